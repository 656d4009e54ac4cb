package scenario

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

const (
	// An inference that a complete list did not show is read by itself, at most so many
	// in one poll and each this often.
	singleReads = 5
	singleTick  = 20 * time.Second
)

// Poll reads one list for all runs, as far back as the oldest was made, and singly what
// the list does not show. A run alone is read singly. Errors are those of
// [Client.Inferences].
func (c *Client) Poll(ctx context.Context, runs []provider.Run) ([]job.Inference, error) {
	if len(runs) == 1 {
		run, err := c.single(ctx, runs[0].ID)
		if err != nil {
			return nil, err
		}
		if run.Status != job.RunNotFound {
			return c.askedBy([]job.Inference{run}, runs), nil
		}
	}
	unseen, horizon := make(map[string]*provider.Run, len(runs)), c.Earliest(time.Now())
	for i := range runs {
		unseen[runs[i].ID] = &runs[i]
		horizon = earlier(horizon, runs[i].Made)
	}
	var seen []job.Inference
	makers := make(makers)
	exact := make(map[string]string) // ids of the list, by those that differ in letter case alone
	list := c.listings.begin()
	defer c.listings.leave(list)
	complete, err := c.scan(ctx, list, horizon, byLast, func(page []job.Inference) (bool, error) {
		for _, run := range page {
			makers.note(&run)
			asked := unseen[run.ID]
			if asked == nil {
				for id := range unseen {
					if strings.EqualFold(id, run.ID) {
						exact[id] = run.ID
					}
				}
				continue
			}
			delete(unseen, run.ID)
			if !endsShort(&run, asked) {
				seen = append(seen, run)
				continue
			}
			if !c.listings.due(run.ID) {
				continue
			}
			whole, err := c.single(ctx, run.ID)
			if err != nil {
				return false, err
			}
			seen = append(seen, whole)
		}
		return len(unseen) == 0, nil
	})
	if err == nil { // also where the list goes on behind what could be read of it
		seen, err = c.unlisted(ctx, seen, unseen, exact, complete)
	}
	if err == nil {
		err = c.untangle(ctx, seen, makers)
	}
	return c.askedBy(seen, runs), err
}

// makers are the runs that a list names assets for, by asset; "" for more than one.
type makers map[string]string

func (m makers) note(run *job.Inference) {
	for _, asset := range run.AssetIDs {
		if maker, known := m[asset]; known && maker != run.ID {
			m[asset] = ""
			continue
		}
		m[asset] = run.ID
	}
}

// shared reports whether a list names one of the run's assets for another, too.
func (m makers) shared(run *job.Inference) bool {
	return slices.ContainsFunc(run.AssetIDs, func(asset string) bool {
		maker, known := m[asset]
		return known && maker != cmp.Or(run.Exact, run.ID)
	})
}

// untangle reads those runs singly of which a list names assets that it names for others,
// too: a run has its own.
func (c *Client) untangle(ctx context.Context, seen []job.Inference, m makers) error {
	for i := range seen {
		if !m.shared(&seen[i]) {
			continue
		}
		whole, err := c.single(ctx, cmp.Or(seen[i].Exact, seen[i].ID))
		if err != nil {
			return err
		}
		whole.ID, whole.Exact = seen[i].ID, seen[i].Exact
		seen[i] = whole
	}
	return nil
}

// endsShort reports whether an entry of a list says that a run has failed, made fewer
// images than it was to, or cost less than was quoted. A list may show less than the run
// itself does.
func endsShort(run *job.Inference, asked *provider.Run) bool {
	different := make(map[string]bool)
	for _, asset := range run.AssetIDs {
		different[asset] = true
	}
	return run.Status.Ended() && (run.Status != job.RunSucceeded || len(different) < max(asked.Images, 1) || run.BilledKnown && run.Billed < asked.Quoted)
}

// askedBy marks the runs that show other inputs than those of the requests whose receipts
// named them, and finds whose they are among those that are polled.
func (c *Client) askedBy(seen []job.Inference, runs []provider.Run) []job.Inference {
	requests := make(map[string]*job.Request, len(runs))
	for i := range runs {
		if runs[i].Request.Model != "" {
			requests[runs[i].ID] = &runs[i].Request
		}
	}
	settled := make(map[string]bool) // whose receipt named a run that is theirs as far as it shows
	for i := range seen {
		if request := requests[seen[i].ID]; request != nil && !differs(&seen[i], request) {
			settled[seen[i].ID] = true
		}
	}
	for i := range seen {
		run := &seen[i]
		if request := requests[run.ID]; request == nil || !differs(run, request) {
			continue
		}
		run.Foreign = true
		for id, request := range requests {
			if !run.Opaque && !settled[id] && !differs(run, request) {
				run.AskedBy = id
			}
		}
	}
	return seen
}

// differs reports whether a run was certainly made for another request. Defaults, order
// and spelling of the inputs are the API's affair: what counts is the model, a seed that
// both name, the pictures, and the words of the prompt.
func differs(run *job.Inference, request *job.Request) bool {
	if run.Opaque || run.Status == job.RunNotFound {
		return false
	}
	shown := job.Request{Inputs: run.Inputs}
	if sent, seed := request.Seed(), shown.Seed(); run.Model != request.Model || sent != "" && seed != "" && sent != seed {
		return true
	}
	if slices.ContainsFunc(request.PictureInputs, func(name string) bool { return otherPictures(run.Inputs[name], request.Inputs[name]) }) {
		return true
	}
	wanted, _ := request.Inputs[request.PromptInput].(string)
	prompt, _ := run.Inputs[request.PromptInput].(string)
	return wanted != "" && prompt != "" && !storedText(prompt) && !slices.Equal(strings.Fields(prompt), strings.Fields(wanted))
}

// otherPictures reports whether a run shows other assets than were sent. What was sent is
// not known of a picture that a plan names by its content.
func otherPictures(shown, sent any) bool {
	one, known := shown.(string)
	want, named := sent.(string)
	if known && named {
		_, unknown := job.ParsePicture(want)
		return one != want && one != "" && want != "" && !unknown
	}
	all, _ := shown.([]any)
	wanted, _ := sent.([]any)
	if len(all) != len(wanted) {
		return false
	}
	for i := range all {
		if otherPictures(all[i], wanted[i]) {
			return true
		}
	}
	return false
}

// unlisted adds to what was seen some of the inferences that the list did not show. That
// one is not known counts only where the list was complete, too, and shows none whose id
// is the same but for its letter case.
func (c *Client) unlisted(ctx context.Context, seen []job.Inference, unseen map[string]*provider.Run, exact map[string]string, complete bool) ([]job.Inference, error) {
	reads := 0
	for id := range unseen {
		if reads == singleReads || !c.listings.due(id) {
			continue
		}
		reads++
		run, err := c.single(ctx, id)
		if err != nil {
			return seen, err
		}
		if other := exact[id]; other != "" && run.Status == job.RunNotFound {
			if run, err = c.underExact(ctx, unseen[id], other); err != nil {
				return seen, err
			}
		}
		if complete || run.Status != job.RunNotFound {
			seen = append(seen, run)
		}
	}
	return seen, nil
}

// underExact reads the inference whose id the list writes in another letter case than the
// answer to its request did.
func (c *Client) underExact(ctx context.Context, asked *provider.Run, exact string) (job.Inference, error) {
	run, err := c.single(ctx, exact)
	if err != nil {
		return run, err
	}
	if run.Status == job.RunNotFound || differs(&run, &asked.Request) {
		return job.Inference{ID: asked.ID, Status: job.RunNotFound}, nil
	}
	run.ID, run.Exact = asked.ID, exact
	return run, nil
}

// single reads one inference, which need not be there.
func (c *Client) single(ctx context.Context, id string) (job.Inference, error) {
	run, err := c.Inference(ctx, id)
	if errors.Is(err, job.ErrNotFound) {
		return job.Inference{ID: id, Status: job.RunNotFound}, nil
	}
	if err != nil {
		return job.Inference{}, err
	}
	run.ID = id
	return *run, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
