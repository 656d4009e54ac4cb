package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/outlook"
)

// Outcome says how a run or a submission ended.
type Outcome = outlook.Outcome

// The outcomes.
const (
	Ongoing     = outlook.Ongoing
	Complete    = outlook.Complete
	Over        = outlook.Over
	Interrupted = outlook.Interrupted
	Blocked     = outlook.Blocked
	Cancelled   = outlook.Cancelled
)

// Report is report.json: one run of a batch in figures. Fields are written in
// this order, amounts in CU, times in UTC and durations in seconds; maps are
// sorted by name. New fields may be added, none is renamed.
//
// The caller fills in what only it knows; [Tally] adds what the log says.
type Report struct {
	Batch   string    `json:"batch"`
	Mode    job.Mode  `json:"mode"`
	State   Outcome   `json:"state"`
	Reason  string    `json:"reason,omitempty"` // why it is blocked or was ended
	Hint    string    `json:"hint,omitempty"`   // what a person can do about it
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`  // absent while it is running
	Order   string    `json:"order,omitempty"` // the submission

	Counts   Counts   `json:"counts"`
	CU       Bill     `json:"cu"`
	Spend    Spend    `json:"spend"`             // set by FillSpend
	Whole    Whole    `json:"whole,omitzero"`    // set by Publish
	Requests Requests `json:"requests,omitzero"` // absent where nobody counted them
	Attempts int      `json:"attempts"`          // submissions of the jobs that ended
	// InFlight is how many attempts hold CU, whose end is not known; set by FillSpend.
	InFlight int `json:"inFlight,omitempty"`
	// WaitedSeconds is for how long no job could be sent, by reason; nil, and absent,
	// where nobody measured it.
	WaitedSeconds map[job.WaitReason]float64 `json:"waitedSeconds,omitzero"`
	Failures      []job.FailureGroup         `json:"failures"` // most frequent first
	// ImageWarnings are images that are stored and are not what they should be.
	ImageWarnings []job.WarningGroup `json:"imageWarnings,omitempty"` // most frequent first
	// Picks are what people think of the images; absent while none is marked; set by Publish.
	Picks     *job.Picks `json:"picks,omitempty"`
	Durations Durations  `json:"durations"`
}

// Counts are numbers of jobs, and of images.
type Counts struct {
	Jobs      int `json:"jobs"`      // in the plan
	Kept      int `json:"kept"`      // had their result before this run
	Succeeded int `json:"succeeded"` // in this run
	Failed    int `json:"failed"`    // in this run, and not succeeded since
	Cancelled int `json:"cancelled"`
	NotRun    int `json:"notRun"` // did not end in this run
	// FailedBefore were refused for their content and charged by an earlier run, and do not
	// run again unless a person asks for it.
	FailedBefore int `json:"failedBefore,omitempty"`
	// Waiting wait for a pick: nothing is made of them before, and nothing is missing.
	Waiting int `json:"waiting,omitempty"`
	Images  int `json:"images"`           // stored in this run
	Warned  int `json:"warned,omitempty"` // of these images, those with a warning
}

// Missing is how many jobs have no images.
func (c *Counts) Missing() int { return c.Failed + c.Cancelled + c.NotRun + c.FailedBefore }

// Bill is what a run cost.
type Bill struct {
	Quoted   job.CU `json:"quoted"` // by dry run, of the jobs that ended
	Billed   job.CU `json:"billed"`
	Refunded job.CU `json:"refunded"`
	Net      job.CU `json:"net"` // billed less refunded; set by WriteReport
}

// Whole is what all runs of the batch came to together.
type Whole struct {
	Jobs   int `json:"jobs"`   // that have their images
	Images int `json:"images"` // that were made
	// Seconds is how long the runs took, and Before those before this one.
	Seconds float64 `json:"seconds"`
	Before  float64 `json:"before"`
}

// Spend is what was spent for the batch over all of its runs, and is held.
type Spend struct {
	Billed   job.CU `json:"billed"`
	Refunded job.CU `json:"refunded"`
	Spent    job.CU `json:"spent"` // billed less refunded
	Held     job.CU `json:"held"`  // by attempts that are in flight
	// FailedBefore is what the jobs cost that failed before and do not run again.
	FailedBefore job.CU     `json:"failedBefore,omitempty"`
	ByKey        []KeySpend `json:"byKey"` // sorted by API key
}

// KeySpend is what was spent and is held with one API key.
type KeySpend struct {
	APIKey string `json:"apiKey"`
	Spent  job.CU `json:"spent"`
	Held   job.CU `json:"held"`
}

// Requests counts requests to the API.
type Requests struct {
	Total       int64            `json:"total"`
	PerJob      float64          `json:"perJob"` // per job that ended, two decimals; set by WriteReport
	ByOperation map[string]int64 `json:"byOperation"`
}

// Durations are in seconds.
type Durations struct {
	Run float64 `json:"run"` // from start to end; set by WriteReport
	// Inference is from the submission to the end of the inference by the
	// provider's clock, Storing from there to the line in the log.
	Inference Spread `json:"inference"`
	Storing   Spread `json:"storing"`
}

// Spread describes many durations, in seconds.
type Spread struct {
	Median  float64 `json:"median"`
	P95     float64 `json:"p95"` // 95 of 100 were no longer
	Longest float64 `json:"longest"`
}

// FillSpend sets what was spent and is held, by the batch's logs.
func (r *Report) FillSpend(f *batch.Fold) {
	held, billed, refunded := f.Total()
	r.Spend.Billed, r.Spend.Refunded, r.Spend.Spent, r.Spend.Held = billed, refunded, billed-refunded, held
	keys := map[string]KeySpend{}
	for _, slice := range f.Slices() {
		key := keys[slice.APIKey]
		key.Spent += slice.CU
		keys[slice.APIKey] = key
	}
	inFlight := f.InFlight()
	r.InFlight = len(inFlight)
	for _, sent := range inFlight {
		key := keys[sent.APIKey]
		key.Held += sent.Quoted
		keys[sent.APIKey] = key
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		key := keys[name]
		key.APIKey = name
		r.Spend.ByKey = append(r.Spend.ByKey, key)
	}
}

// WriteReport writes the report as report.json into the batch's folder, whole or
// not at all, with the fields that follow from others set.
func WriteReport(ctx context.Context, b batch.Bucket, batch string, r Report) error {
	data, err := json.MarshalIndent(r.settled(), "", "  ")
	if err != nil {
		return fmt.Errorf("encode report of batch %q: %w", batch, err)
	}
	key := objectKey(batch, reportName)
	if err := b.Put(ctx, key, bytes.NewReader(append(data, '\n'))); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// seconds is how long the run took, 0 while it is not over.
func (r *Report) seconds() float64 {
	if r.Ended.IsZero() || r.Started.IsZero() {
		return 0
	}
	return r.Ended.Sub(r.Started).Seconds()
}

// settled returns the report with its derived fields set and nothing null.
func (r Report) settled() Report {
	r.State = r.State.Of(r.Counts.Jobs, r.Counts.Missing())
	r.Started, r.Ended = r.Started.UTC(), r.Ended.UTC()
	r.CU.Net = r.CU.Billed - r.CU.Refunded
	if ended := r.Counts.Succeeded + r.Counts.Failed + r.Counts.Cancelled; ended > 0 {
		r.Requests.PerJob = round(float64(r.Requests.Total)/float64(ended), 2)
	}
	if seconds := r.seconds(); seconds != 0 {
		r.Durations.Run = round(seconds, 3)
	}
	if r.Requests.Total > 0 && r.Requests.ByOperation == nil {
		r.Requests.ByOperation = map[string]int64{}
	}
	if r.Spend.ByKey == nil {
		r.Spend.ByKey = []KeySpend{}
	}
	if r.Failures == nil {
		r.Failures = []job.FailureGroup{}
	}
	return r
}
