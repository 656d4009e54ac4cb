package scenario

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// storedPrompt marks a prompt that the list shows by the id of a text asset. Scenario
// API: long prompts are stored away so.
const storedPrompt = "asset_"

// matcher finds the inferences that attempts may have started.
type matcher struct {
	c        *Client
	attempts []provider.Attempt
	matches  []provider.Match
	alike    map[string][]int // attempts by all that they ask for but the prompt
	prompts  map[string]bool  // the names of the inputs that hold prompts
	seen     map[string]bool  // runs that were compared, since a list may show one twice
	read     map[string]bool  // runs that were read singly, and whether they are there
	earliest time.Time
	newest   time.Time      // when the newest run was made that was shown
	unfound  map[int]string // a run like the attempt that is listed and cannot be read
	doubtful bool           // of the API's clock
}

func newMatcher(c *Client, attempts []provider.Attempt) *matcher {
	m := &matcher{
		c: c, attempts: attempts, matches: make([]provider.Match, len(attempts)),
		alike: make(map[string][]int), prompts: make(map[string]bool), seen: make(map[string]bool), read: make(map[string]bool),
		unfound:  make(map[int]string),
		earliest: c.Earliest(time.Now()), doubtful: c.doubtful(),
	}
	for i, a := range attempts {
		key := matchKey(a.Request.Model, a.Request.Inputs, a.Request.PromptInput)
		m.alike[key] = append(m.alike[key], i)
		m.prompts[a.Request.PromptInput] = true
		m.earliest = earlier(m.earliest, c.Earliest(a.Sent))
	}
	return m
}

// all are the matches of the attempts, in their order.
func (m *matcher) all(complete bool, lacks string, asked time.Time) []provider.Match {
	for i := range m.matches {
		match := &m.matches[i]
		match.Complete, match.Lacks, match.Asked, match.Bare = complete, lacks, asked, m.bare(i)
		if id := m.unfound[i]; id != "" {
			match.Complete, match.Lacks = false, id
		}
		slices.SortStableFunc(match.Early, func(a, b job.Inference) int { return b.CreatedAt.Compare(a.CreatedAt) })
		slices.SortStableFunc(match.Runs, func(a, b job.Inference) int { return a.CreatedAt.Compare(b.CreatedAt) })
	}
	return m.matches
}

// match adds a run to the matches of the attempts that may have started it. What cannot
// be read is never taken for different: the request would be sent, and paid, again.
func (m *matcher) match(ctx context.Context, run *job.Inference) error {
	if m.seen[run.ID] {
		return nil
	}
	m.seen[run.ID] = true
	if run.Opaque && !madeBefore(run, m.earliest) {
		if _, err := m.readWhole(ctx, run); err != nil { // what is not found stays opaque
			return err
		}
	}
	if run.Opaque {
		for i := range m.attempts {
			if !madeBefore(run, m.c.Earliest(m.attempts[i].Sent)) {
				m.add(i, run, true)
			}
		}
		return nil
	}
	for promptInput := range m.prompts {
		for _, i := range m.alike[matchKey(run.Model, run.Inputs, promptInput)] {
			if err := m.compare(ctx, i, run); err != nil {
				return err
			}
		}
	}
	return nil
}

// madeBefore reports whether a run was made before a time, by the API's clock. One without a
// time may be of any.
func madeBefore(run *job.Inference, at time.Time) bool {
	return !run.CreatedAt.IsZero() && run.CreatedAt.Before(at)
}

func (m *matcher) add(i int, run *job.Inference, unclear bool) {
	m.matches[i].Runs = append(m.matches[i].Runs, *run)
	m.matches[i].Unclear = m.matches[i].Unclear || unclear
}

// compare compares a run with an attempt that is alike in all but the prompt. Where the
// list shows an asset for it, the single run is read, once: what it reads is kept in
// run. Where that shows no more, a seed among the other inputs is certain
// enough; without one it stays unclear.
func (m *matcher) compare(ctx context.Context, i int, run *job.Inference) error {
	request, when := &m.attempts[i].Request, m.when(i, run)
	wanted := request.Inputs[request.PromptInput]
	shown := run.Inputs[request.PromptInput]
	if shown != wanted && !storedText(shown) {
		return nil
	}
	if when == early && shown != wanted && !request.SeedDrawn {
		return nil // of all that was made before, each with its prompt hidden, none is read singly
	}
	there, err := m.readWhole(ctx, run)
	if err != nil {
		return err
	}
	if !there { // under this id: under another it may be the attempt's
		m.unfound[i] = run.ID
		return nil
	}
	shown = run.Inputs[request.PromptInput]
	if hidden := shown != wanted; !hidden || storedText(shown) {
		m.sort(i, run, when, hidden)
	}
	return nil
}

// sort adds a run of what an attempt asks for to what is known of the attempt. Clocks are no
// proof: a seed that was drawn for the job is its own whatever they show. A run with a seed
// that the manifest states is the same image, paid with the same API key, whoever it was for.
// Of others that seem to be of before only a person can tell.
func (m *matcher) sort(i int, run *job.Inference, when earliness, hidden bool) {
	request, match, key := &m.attempts[i].Request, &m.matches[i], m.startedBy(i, run)
	seeded := request.Seed() != ""
	switch {
	case when != inTime && (request.SeedDrawn || seeded && !hidden && key == ourKey):
		match.Early = append(match.Early, *run)
	case when != early && seeded:
		m.add(i, run, when == oddlyEarly)
	case key == anotherKey:
	case when == early && madeBefore(run, m.attempts[i].Sent.Add(-clockUnknown)):
	case when == early:
		match.Before = append(match.Before, *run)
	default:
		m.add(i, run, hidden || when == oddlyEarly || key == renamedKey)
	}
}

// earliness is what the time of a run says of whether an attempt can have started it.
type earliness int

const (
	inTime     earliness = iota
	oddlyEarly           // it can if a clock is wrong, and clocks were seen to disagree
	early                // the same, and they were not
)

// when says whether a run was made before an attempt was sent.
func (m *matcher) when(i int, run *job.Inference) earliness {
	a := &m.attempts[i]
	switch {
	case !madeBefore(run, m.c.Earliest(a.Sent)):
		return inTime
	case m.doubtful && !madeBefore(run, a.Sent.Add(-clockUnknown)):
		return oddlyEarly
	default:
		return early
	}
}

// starter is who has started a run, as far as its API key says.
type starter int

const (
	unknownKey starter = iota
	ourKey             // the one that sent the attempt
	renamedKey         // it may be: under another credential it may have had another name
	anotherKey
)

func (m *matcher) startedBy(i int, run *job.Inference) starter {
	a := &m.attempts[i]
	switch {
	case run.ProviderKeyID == "" || len(a.Author) == 0:
		return unknownKey
	case slices.Contains(a.Author, run.ProviderKeyID):
		return ourKey
	case a.Sent.Before(a.Since):
		return renamedKey
	default:
		return anotherKey
	}
}

// readWhole reads the single run in place of what the list shows of it, unless that was
// done, for all attempts once. It reports false for one that is only in the list.
func (m *matcher) readWhole(ctx context.Context, run *job.Inference) (there bool, err error) {
	if there, known := m.read[run.ID]; known {
		return there, nil
	}
	if m.c.listings.wasThere(run.ID) && !run.Opaque && !m.hidden(run) {
		return true, nil
	}
	whole, err := m.c.single(ctx, run.ID)
	if err != nil {
		return false, err
	}
	m.read[run.ID] = whole.Status != job.RunNotFound
	if !m.read[run.ID] {
		return false, nil
	}
	m.c.listings.note(run.ID, true)
	listed := run.CreatedAt
	*run = whole
	if run.CreatedAt.IsZero() {
		run.CreatedAt = listed
	}
	return true, nil
}

// hidden reports whether the list shows an asset in place of a prompt.
func (m *matcher) hidden(run *job.Inference) bool {
	for promptInput := range m.prompts {
		if storedText(run.Inputs[promptInput]) {
			return true
		}
	}
	return false
}

func storedText(prompt any) bool {
	text, _ := prompt.(string)
	return strings.HasPrefix(text, storedPrompt)
}

// matchKey encodes what a list of runs shows of a request as it was sent, but for the
// prompt. Empty inputs are left out: whether the API shows them is its own affair. An
// input of a model that has the model's name itself is hidden by it.
func matchKey(model string, inputs job.Inputs, promptInput string) string {
	rest := maps.Clone(inputs)
	delete(rest, promptInput)
	delete(rest, modelInput)
	maps.DeleteFunc(rest, func(_ string, value any) bool { return empty(value) })
	return promptInput + "\n" + model + "\n" + string(rest.Canonical())
}

func empty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	default:
		return false
	}
}
