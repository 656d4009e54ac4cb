package scenario

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"nightshift/internal/job"
)

// MaxPage is the largest page of [Client.Inferences].
const MaxPage = 200

// Inference reads one inference. It returns an error that wraps
// [job.ErrNotFound] for an unknown id, a [job.AccessError], a [job.LimitError],
// or a plain error that may pass.
func (c *Client) Inference(ctx context.Context, id string) (*job.Inference, error) {
	about := fmt.Sprintf("read inference %q", id)
	if err := checkID("an inference", id); err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	reply, err := c.read(ctx, call{op: OpJob, method: http.MethodGet, path: []string{"jobs", id}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	record, err := decode[jobReply](reply)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	if record.Job.id() == "" {
		return nil, fmt.Errorf("%s: the reply holds no job", about)
	}
	run := c.inference(record.Job.jobRecord)
	return &run, nil
}

// Inferences lists inferences, newest first, as a page of at most size (1 to
// [MaxPage]) from the place that token marks; an empty token is the beginning.
// The list has ended when next is empty. Errors are those of [Client.Inference].
//
// Scenario API: the token marks a place, so new inferences do not shift what
// follows it. A page may be short, even empty, and still have a next one. Prompts
// in a list may be ids of text assets.
func (c *Client) Inferences(ctx context.Context, token string, size int) (runs []job.Inference, next string, err error) {
	const about = "list inferences"
	if size < 1 || size > MaxPage {
		return nil, "", fmt.Errorf("%s: a page of %d is not between 1 and %d", about, size, MaxPage)
	}
	query := url.Values{"types": {"custom"}, "pageSize": {strconv.Itoa(size)}}
	if token != "" {
		query.Set("paginationToken", token)
	}
	reply, err := c.read(ctx, call{op: OpJobs, method: http.MethodGet, path: []string{"jobs"}, query: query})
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", about, err)
	}
	runs, next, err = c.readPage(reply)
	if err == nil && next != "" && next == token {
		err = errors.New("the next page is this page again")
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", about, err)
	}
	return runs, next, nil
}

// readPage reads a page whole or not at all: an inference missing from a list
// counts as one that was never accepted, and is sent again. An entry that has an
// id is never missing, however little else of it can be read.
func (c *Client) readPage(reply *reply) (runs []job.Inference, next string, err error) {
	page, err := decode[struct {
		Jobs                *[]jobField
		NextPaginationToken string // never loose: a lost token would end the list early
	}](reply)
	if err != nil {
		return nil, "", err
	}
	if page.Jobs == nil {
		return nil, "", errors.New("the reply holds no list of jobs")
	}
	runs = make([]job.Inference, len(*page.Jobs))
	for i, entry := range *page.Jobs {
		if entry.id() == "" {
			return nil, "", fmt.Errorf("entry %d of the list has no id", i)
		}
		runs[i] = c.inference(entry.jobRecord)
	}
	return runs, page.NextPaginationToken, nil
}

// jobReply is a reply about one job.
type jobReply struct {
	Job   jobField
	JobID jobField // beside the job, where an older page of the docs has it
}

func (r *jobReply) id() string { return cmp.Or(r.Job.id(), r.JobID.id()) }

// started reports whether there is a job, be it one without a readable id.
func (r *jobReply) started() bool { return r.Job.there || r.JobID.there }

// jobField is where a job or its id stands.
type jobField struct {
	jobRecord
	there bool // it holds something
}

// UnmarshalJSON never returns an error.
func (f *jobField) UnmarshalJSON(data []byte) error {
	*f = jobField{there: holds(data)}
	var id label
	switch {
	case !f.there:
	case data[0] == '{':
		return json.Unmarshal(data, &f.jobRecord) // whose fields take whatever comes
	case json.Unmarshal(data, &id) == nil:
		f.JobID = id
	}
	return nil
}

// holds tells a value from what stands for none.
func holds(value json.RawMessage) bool {
	var packed bytes.Buffer
	if json.Compact(&packed, value) != nil {
		return true
	}
	switch packed.String() {
	case `null`, `false`, `""`, `{}`, `[]`:
		return false
	}
	return true
}

// label is an id, which may be written as a number; "" where it is neither.
type label string

// UnmarshalJSON never returns an error.
func (l *label) UnmarshalJSON(data []byte) error {
	var text string
	var number json.Number
	switch {
	case json.Unmarshal(data, &text) == nil:
		*l = label(text)
	case json.Unmarshal(data, &number) == nil:
		*l = label(number)
	default:
		*l = ""
	}
	return nil
}

// jobRecord is an inference as the API writes it.
type jobRecord struct {
	JobID     label
	ID        label // the quick start of the docs calls it so
	AuthorID  loose[string]
	Status    loose[string]
	CreatedAt moment
	UpdatedAt moment
	Metadata  loose[struct {
		Input    loose[job.Inputs]
		AssetIDs loose[[]string]
		Error    prose
		Hint     prose
	}]
	Billing loose[billingRecord]
}

func (r *jobRecord) id() string { return string(cmp.Or(r.JobID, r.ID)) }

// billingRecord is what an inference costs.
type billingRecord struct {
	CUCost        loose[json.Number]
	CUCostDetails loose[map[string]loose[json.Number]]
	DisableRefund loose[bool]
}
