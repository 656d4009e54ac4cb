package plan

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/picture"
	"nightshift/internal/text"
)

// Catalog is what a plan asks the provider; all of it is free. Errors are of the
// kinds of package job.
type Catalog interface {
	// Model returns what the provider says about a model; job.ErrNotFound where
	// there is none of this id.
	Model(ctx context.Context, id string) (*job.Model, error)
	// Quote returns the price of one request; job.ErrInvalid where the provider
	// refuses it.
	Quote(ctx context.Context, r job.Request) (job.Quote, error)
	// Recent returns some runs of lately, newest first; none where the provider shows none.
	Recent(ctx context.Context) ([]job.Inference, error)
}

// Options are what a plan is made of.
type Options struct {
	Manifest *manifest.Manifest
	Catalog  Catalog
	// Results are those of the batch so far; nil where there are none. Only
	// succeeded jobs count. They are read once.
	Results iter.Seq2[job.Result, error]
	// Refused are jobs that were refused for their content and charged, with what they
	// cost so far. They do not run again, unless RetryRefused asks for it.
	Refused map[job.ID]job.CU
	// Marks are what people think of images; nil where nobody can have marked any.
	Marks        func(image job.Picture) job.Mark
	RetryRefused bool
	// Links fetches the picture that a link leads to into a file, which stays until the plan is
	// not needed any more; nil where links are not followed.
	Links func(ctx context.Context, link string) (path string, err error)
	// Picked are the jobs whose images a person has picked and that are there, by the output
	// of each image; may be nil.
	Picked map[string]job.ID
	// Rolls is how often a row was rolled again, so that its jobs draw other seeds; may be nil.
	Rolls  func(row string) int
	Limits Limits
	// Quotes are the prices of earlier plans; nil where every price is asked for. A
	// price younger than an hour is used without a dry run.
	Quotes Quotes
	// Account is what prices may differ by besides the job: API, team or group of
	// keys. Prices of one account are never used for another.
	Account string
	// Pace waits for a place in the request rate before each call; may be nil.
	Pace func(context.Context) error
	// Waiting is told when a call has to wait before it is tried again, for what
	// and how long; several goroutines may call it. May be nil.
	Waiting func(job.WaitReason, time.Duration)
}

// Status says what a plan does with a job.
type Status string

// The statuses.
const (
	New     Status = "new"     // there is nothing of it yet
	Changed Status = "changed" // there is a result under its name, of other content
	Kept    Status = "kept"    // its result is there; it does not run again
	// FailedBefore was refused for its content and charged; it does not run again.
	FailedBefore Status = "failed_before"
	// Waiting waits until a person has picked what it is made of.
	Waiting Status = "waiting"
)

// Runs reports whether a job of this status runs.
func (s Status) Runs() bool { return s == New || s == Changed }

// PlannedJob is a job as the plan has it. The Quote of a job that does not run is zero.
type PlannedJob struct {
	job.Job
	Status Status `json:"status"`
}

// Plan is what a batch would do. Its JSON is stable: names and units stay, and
// fields are only added. Close it.
type Plan struct {
	Batch  string   `json:"batch"`
	Mode   job.Mode `json:"mode"`
	Rows   int      `json:"rows"`
	Jobs   int      `json:"jobs"`
	Images int      `json:"images"`
	// New, Changed, Kept and FailedBefore count jobs; only new and changed ones run.
	New          int `json:"new"`
	Changed      int `json:"changed"`
	Kept         int `json:"kept"`
	FailedBefore int `json:"failedBefore,omitempty"`
	// FailedBeforeCost is what the jobs that failed before cost so far.
	FailedBeforeCost job.CU `json:"failedBeforeCost,omitempty"`
	// RetryRefused says that jobs that were refused and charged are among those that run.
	RetryRefused bool `json:"retryRefused,omitempty"`
	// Waiting are jobs that wait for a pick, WaitingImages their images, and WaitingCost what
	// they cost once they run.
	Waiting       int    `json:"waiting,omitempty"`
	WaitingImages int    `json:"waitingImages,omitempty"`
	WaitingCost   job.CU `json:"waitingCost,omitempty"`
	// Steps are the rows and what is made of them, where the manifest has steps.
	Steps []Step `json:"steps,omitempty"`
	// Chained says that jobs take images of others.
	Chained bool `json:"-"`
	// References are files that are given to models; nil if none are.
	References *References `json:"references,omitempty"`
	// PickedReplaced are picked images that jobs which run would replace, and PickedRows the
	// first of their rows.
	PickedReplaced int      `json:"pickedReplaced,omitempty"`
	PickedRows     []string `json:"pickedRows,omitempty"`
	// ImagesToRun are those of the jobs that run, and KeptImages those of kept jobs.
	ImagesToRun int        `json:"imagesToRun"`
	KeptImages  int        `json:"-"`
	Cost        job.CU     `json:"cost"` // of the jobs that run
	Shapes      []Shape    `json:"shapes"`
	Caps        []CapCheck `json:"caps,omitempty"`
	Forecast    Forecast   `json:"forecast"`
	Samples     []Sample   `json:"samples"` // the first jobs that run
	// Warnings are what of the manifest is hardly meant as it reads, a line each.
	Warnings []string `json:"warnings"`
	// UnderWay is what of the jobs that run was sent already; nil if nothing was. The
	// caller sets it.
	UnderWay *UnderWay `json:"underWay,omitempty"`
	// Digest is a hash over the identities of all jobs, in hex.
	Digest string `json:"-"`

	spool       *spool
	files       []picture.File
	chains      map[string]bool // of models, one after the other
	order       []uint16        // the shapes of the jobs to run, while the forecast is made
	needs       map[int][]int   // places in order of the jobs whose images one takes, likewise
	onBudget    manifest.OnBudget
	cacheAge    time.Duration // of the oldest price that was not asked for anew
	allRecalled bool          // no price was asked for anew
}

// UnderWay is what earlier runs have paid for and not collected. It is collected, and
// not paid again, though the plan counts it among the jobs that run.
type UnderWay struct {
	Jobs int    `json:"jobs"`
	CU   job.CU `json:"cu"`
}

// maxPickedRows is how many rows are named whose picked images would be replaced.
const maxPickedRows = 5

func (p *Plan) addPickedReplaced(j *job.Job, h *history) {
	replaced := 0
	for _, name := range j.Outputs {
		if picked, is := h.picked[name]; is && picked != j.ID {
			replaced++
		}
	}
	p.PickedReplaced += replaced
	if replaced > 0 && len(p.PickedRows) < maxPickedRows && !slices.Contains(p.PickedRows, j.Row) {
		p.PickedRows = append(p.PickedRows, j.Row)
	}
}

// PickedWords say how many picked images the plan would replace, and of which rows; "" for
// none.
func (p *Plan) PickedWords() string {
	if p.PickedReplaced == 0 {
		return ""
	}
	rows := "rows were"
	if len(p.PickedRows) == 1 {
		rows = "row was"
	}
	return fmt.Sprintf("%s would be replaced, whose %s changed or rolled again: %s", text.Count(p.PickedReplaced, "picked image"), rows, strings.Join(p.PickedRows, ", "))
}

// Fits reports whether every cap that no time resets, and none that is too small for
// a single job, covers the plan.
func (p *Plan) Fits() bool {
	for _, c := range p.Caps {
		if c.Never > 0 || !c.Fits && (c.Period == PeriodTotal && c.Periods == 0 || p.onBudget == manifest.OnBudgetFail) {
			return false
		}
	}
	return true
}

// Sample is one of a plan's jobs, for a person to look at.
type Sample struct {
	Row     string   `json:"row"`
	Status  Status   `json:"status"`
	Model   string   `json:"model"`
	Prompt  string   `json:"prompt,omitempty"`
	Outputs []string `json:"outputs"`
}

// ToRun is how many of the jobs run.
func (p *Plan) ToRun() int { return p.New + p.Changed }
