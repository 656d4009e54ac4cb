package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// memoryProvider is an image API with a ledger: runs are all that it ever accepted.
type memoryProvider struct {
	abilities
	runs    []*memoryRun // the oldest first
	replies []reply      // to the next submissions; then all are accepted
	sent    int          // requests that it got
	broken  int          // downloads that break off from now on
	refuse  []error      // of the next reads
	early   bool         // lost runs are shown as of long before, and whether there are more is unclear
	before  bool         // lost runs are shown as of long before, in lists that are complete
	record  provider.Record
}

// reply is how the provider answers one submission. The zero reply accepts it.
type reply struct {
	err   error  // in place of a receipt
	taken bool   // it was accepted all the same
	names string // the run that the receipt names, in place of its own
	lag   time.Duration
	end   ending
}

// ending is how a run ends. The zero ending is a success with an image.
type ending struct {
	status    job.RunStatus
	transient bool
	kept      bool // the charge of a failed run
	images    int  // more than one; less than none is none
	billed    job.CU
	addition  job.CU // to the price, which a run does not show any more that was refunded
	forgotten bool   // the provider does not know it any more
}

type memoryRun struct {
	id      string
	inputs  job.Inputs
	model   string
	status  job.RunStatus
	created time.Time
	shown   time.Time // in lists from then on
	end     ending
}

func newMemoryProvider() *memoryProvider {
	return &memoryProvider{abilities: abilities{lists: true}}
}

func (m *memoryProvider) run(id string) *memoryRun {
	for _, run := range m.runs {
		if run.id == id {
			return run
		}
	}
	return nil
}

// charged is what a run costs in the end.
func (r *memoryRun) charged() job.CU {
	if r.end.status != job.RunSucceeded && !r.end.kept {
		return 0
	}
	return r.end.billed
}

func (m *memoryProvider) accept(model string, inputs job.Inputs, answer reply) *memoryRun {
	run := &memoryRun{
		id: fmt.Sprintf("run_%d", len(m.runs)), inputs: inputs, model: model, status: job.RunActive,
		created: time.Now(), shown: time.Now().Add(answer.lag), end: answer.end,
	}
	if run.end.status == "" {
		run.end.status = job.RunSucceeded
	}
	if run.end.billed == 0 {
		run.end.billed = price
	}
	m.runs = append(m.runs, run)
	return run
}

func (m *memoryProvider) nextReply() reply {
	m.sent++
	if len(m.replies) == 0 {
		return reply{}
	}
	next := m.replies[0]
	m.replies = m.replies[1:]
	return next
}

// refusal is the error with which the next read is refused, or nil.
func (m *memoryProvider) refusal() error {
	if len(m.refuse) == 0 {
		return nil
	}
	err := m.refuse[0]
	m.refuse = m.refuse[1:]
	return err
}

// assets are the ids of the images of a run.
func (r *memoryRun) assets() []string {
	if r.status != job.RunSucceeded {
		return nil
	}
	var ids []string
	for i := range max(r.end.images, 1) {
		ids = append(ids, r.id+"/"+strconv.Itoa(i))
	}
	if r.end.images < 0 {
		return nil
	}
	return ids
}

// inference is a run as the provider shows it now, or as it is at its end.
func (r *memoryRun) inference(over bool) job.Inference {
	run := job.Inference{ID: r.id, Model: r.model, Inputs: r.inputs, ProviderKeyID: "author", Status: job.RunActive, CreatedAt: r.created, UpdatedAt: r.created}
	if !over && time.Since(r.created) < runTime {
		return run
	}
	r.status = r.end.status
	run.Status, run.UpdatedAt, run.AssetIDs = r.status, r.created.Add(runTime), r.assets()
	run.Billed, run.BilledKnown = r.end.billed, true
	if r.status != job.RunSucceeded {
		if !r.end.kept {
			run.Billed -= r.end.addition
		}
		run.Failure, run.Transient, run.RefundDisabled = "it did not work", r.end.transient, r.end.kept
	}
	return run
}

// image are the bytes of an asset.
func image(asset string) string { return "the image " + asset }

// abilities are what a provider can do beside the least.
type abilities struct {
	lists   bool // its runs: without, lost requests cannot be looked up
	partial bool // the list may go on behind what it shows
	// atOnce says that the answer to a request holds the images, which are kept nowhere.
	atOnce bool
}

// processProvider is the provider as one process reaches it.
type processProvider struct {
	p        *process
	requests provider.Requests
}

func (processProvider) Model(context.Context, string) (*job.Model, error) {
	return nil, job.ErrNotFound
}

func (processProvider) Quote(context.Context, job.Request) (job.Quote, error) {
	return job.Quote{Total: price}, nil
}

// read makes a request that costs nothing.
func (s processProvider) read(ctx context.Context, name string, call func(*memoryProvider) error) error {
	for {
		if err := s.requests.Wait(ctx); err != nil {
			return err
		}
		refused := false
		err := s.p.call(ctx, name, func() error {
			refusal := s.p.bed.provider.refusal()
			if refused = refusal != nil; refused {
				return refusal
			}
			return call(s.p.bed.provider)
		})
		if !refused {
			return err
		}
		again, err := s.requests.Refused(ctx, err)
		if !again {
			return err
		}
	}
}

func (s processProvider) Submit(ctx context.Context, late time.Time, r job.Request) (run *job.Inference, err error) {
	err = s.p.call(ctx, "submit", func() error {
		if time.Now().After(late) {
			return errors.New("too late, nothing was sent")
		}
		m := s.p.bed.provider
		answer := m.nextReply()
		if answer.err != nil && !answer.taken {
			return answer.err
		}
		accepted := m.accept(r.Model, r.Inputs, answer).inference(m.atOnce)
		if m.atOnce {
			for _, asset := range accepted.AssetIDs {
				accepted.Images = append(accepted.Images, []byte(image(asset)))
			}
		}
		if answer.names != "" {
			accepted.ID = answer.names
		}
		run = &accepted
		return answer.err
	})
	return run, err
}

func (s processProvider) Poll(ctx context.Context, runs []provider.Run) (told []job.Inference, err error) {
	err = s.read(ctx, "poll", func(m *memoryProvider) error {
		for _, asked := range runs {
			run := m.run(asked.ID)
			if run == nil || run.end.forgotten || m.atOnce {
				told = append(told, job.Inference{ID: asked.ID, Status: job.RunNotFound})
				continue
			}
			told = append(told, run.inference(false))
		}
		return nil
	})
	return told, err
}

func (s processProvider) Find(ctx context.Context, attempts []provider.Attempt, _ []provider.Run, ours provider.Ours) (matches []provider.Match, err error) {
	matches = make([]provider.Match, len(attempts))
	if !s.p.bed.provider.lists {
		for i := range matches {
			matches[i].Unclear = true
		}
		return matches, nil
	}
	var shown []job.Inference
	var ids []string
	asked := time.Now()
	err = s.read(ctx, "list runs", func(m *memoryProvider) error {
		for _, run := range m.runs {
			if !run.end.forgotten && !time.Now().Before(run.shown) {
				shown, ids = append(shown, run.inference(false)), append(ids, run.id)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	owned, err := ours(ctx, ids)
	for i, a := range attempts {
		matches[i].Complete, matches[i].Asked = !s.p.bed.provider.partial, asked
		for _, run := range shown {
			if !owned[run.ID] && !run.CreatedAt.Before(a.Sent) && bytes.Equal(run.Inputs.Canonical(), a.Request.Inputs.Canonical()) {
				matches[i].Runs = append(matches[i].Runs, run)
			}
		}
		if s.p.bed.provider.before {
			matches[i].Before, matches[i].Runs = matches[i].Runs, nil
		}
		if s.p.bed.provider.early {
			matches[i].Unclear, matches[i].Early, matches[i].Runs = true, matches[i].Runs, nil
		}
	}
	return matches, err
}

func (s processProvider) Fetch(ctx context.Context, i provider.Image) (body io.ReadCloser, length int64, err error) {
	err = s.read(ctx, "fetch", func(m *memoryProvider) error {
		if m.atOnce {
			return job.ErrGone
		}
		text := image(i.Asset)
		if m.broken > 0 {
			m.broken--
			text = text[:3]
		}
		body, length = recordedImage{strings.NewReader(text), m.record}, int64(len(text))
		return nil
	})
	return body, length, err
}

// recordedImage is a download with what the provider's record says of it.
type recordedImage struct {
	io.Reader
	record provider.Record
}

func (recordedImage) Close() error              { return nil }
func (i recordedImage) Record() provider.Record { return i.record }

func (processProvider) Earliest(sent time.Time) time.Time { return sent }

// processKeys are the API keys as one process has them.
type processKeys struct{ p *process }

func (s processKeys) Provider(_ string, requests provider.Requests) (provider.Provider, error) {
	return processProvider{s.p, requests}, nil
}
func (processKeys) Reader(apiKey string) string                             { return apiKey }
func (processKeys) Account(string) (project, team string)                   { return "levels", "art" }
func (processKeys) ProviderKeyIDs(string) (names []string, since time.Time) { return nil, time.Time{} }
