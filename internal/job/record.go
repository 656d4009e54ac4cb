package job

import (
	"errors"
	"time"
)

// The answers of a change to a record that was not made.
var (
	// ErrRecordGone says that the job is over, or was never fed.
	ErrRecordGone = errors.New("job has no record")
	// ErrFenced says that somebody else took the job over in the meantime.
	ErrFenced = errors.New("job was taken over")
	// ErrState says that the job is not in a state from which the change may start.
	ErrState = errors.New("job is in another state")
	// ErrOwned says that the inference belongs to another job.
	ErrOwned = errors.New("inference belongs to another job")
)

// Record is what is known of an unfinished job.
type Record struct {
	Ref        Ref
	Job        Job
	Priority   Priority
	State      State
	Fence      int64     // names this holder of the job; a later one has a higher fence
	Owner      string    // the process that has claimed the job, "" if none has
	Attempt    int       // counts from 1; waiting and interruptions do not raise it
	Generation int       // of the job's queue tasks; raised when they are made again
	StoreTries int       // failed attempts to store the images
	Since      time.Time // when the state was entered, by the clock of the store
	Intent     time.Time // when the paid request was about to be sent, by our clock
	APIKey     string    // the id of the API key it is or was sent with, once admitted
	Avoid      []string  // ids of API keys that the provider does not let run it
	Inference  string    // the provider's id of the run, once known
	Started    time.Time // when the run was made, by the provider's clock
	Outcome    *Outcome  // once the run ended
	// Counted says that the price of the run is in the results log already.
	Counted bool
	// EarlierBilled and EarlierRefunded are those of attempts before this one.
	EarlierBilled, EarlierRefunded CU
}

// Outcome is what the provider said of a run that ended. It holds no links.
type Outcome struct {
	Status         RunStatus `json:"status"`
	AssetIDs       []string  `json:"assets,omitempty"`
	Billed         CU        `json:"billed"`
	BilledKnown    bool      `json:"billedKnown"`
	Failure        string    `json:"failure,omitempty"`
	Hint           string    `json:"hint,omitempty"`
	Transient      bool      `json:"transient,omitempty"`
	RefundDisabled bool      `json:"refundDisabled,omitempty"`
	// Foreign says that the run shows other inputs than were sent.
	Foreign bool      `json:"foreign,omitempty"`
	Ended   time.Time `json:"ended"`
}

// EndedRun is a job whose run has ended.
type EndedRun struct {
	Ref        Ref
	Generation int
	Outcome    *Outcome // nil if it was noted before
}

// OutcomeOf keeps what matters of a run that ended.
func OutcomeOf(run *Inference) *Outcome {
	return &Outcome{
		Status: run.Status, AssetIDs: run.AssetIDs, Billed: run.Billed, BilledKnown: run.BilledKnown,
		Failure: run.Failure, Hint: run.Hint, Transient: run.Transient,
		RefundDisabled: run.RefundDisabled, Foreign: run.Foreign && run.AskedBy == "", Ended: run.UpdatedAt,
	}
}

// Change is one change of a record's state with what is written along with it.
type Change struct {
	From []State // allowed states; a record in another gives ErrState
	To   State
	// Inference, if set, is the provider's id of the run that now belongs to the
	// job, and Started when the provider made it.
	Inference  string
	Started    time.Time
	Intent     time.Time // if set
	APIKey     string    // if set
	Avoid      []string  // if set
	Attempt    int       // if not zero
	Generation int       // if not zero
	StoreTries int       // if not zero
	Outcome    *Outcome  // if set
	Counted    bool      // if true
	// Assets, if set, are what is sent in place of the job's pictures.
	Assets map[string]string
	// Disown says that the inference is not the job's: its own is looked for.
	Disown bool
	// EarlierBilled and EarlierRefunded, if not zero, are those of all attempts so far.
	EarlierBilled, EarlierRefunded CU
	// Forget drops intent, inference, outcome, tries and counted, for another attempt.
	Forget bool
}

// Counts says how many jobs of a batch are in each state, final ones included,
// and how many images were stored.
type Counts struct {
	Jobs   map[State]int
	Images int
	Quoted CU // of the jobs that are queued
}

// Live is the number of jobs that were fed and are not over.
func (c Counts) Live() int {
	live := 0
	for state, jobs := range c.Jobs {
		if !state.Final() {
			live += jobs
		}
	}
	return live
}
