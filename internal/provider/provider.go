package provider

import (
	"context"
	"io"
	"time"

	"nightshift/internal/job"
)

// Provider runs inferences on one image API, as one API key opens it. All methods may
// be called by many goroutines at once. See the package comment for what each promises.
type Provider interface {
	// Model returns what is known of a model; [job.ErrNotFound] where there is none.
	Model(ctx context.Context, id string) (*job.Model, error)
	// Quote returns the price of a request and starts nothing; [job.ErrInvalid] where
	// the request would be refused.
	Quote(ctx context.Context, r job.Request) (job.Quote, error)
	// Submit sends a paid request once, and nothing any more once the time late has
	// come, if that is not zero. The run may be over already, with its images.
	Submit(ctx context.Context, late time.Time, r job.Request) (*job.Inference, error)
	// Poll returns what can be said now of some of the runs, even beside an error.
	// Those that it leaves out are asked for again.
	Poll(ctx context.Context, runs []Run) ([]job.Inference, error)
	// Find looks for what became of requests whose answer was lost: one match for each,
	// in their order. known are runs of ours that are there: a list that lacks one of
	// them is not complete.
	Find(ctx context.Context, attempts []Attempt, known []Run, ours Ours) ([]Match, error)
	// Fetch opens an image of a run that succeeded. The caller closes body; length is -1
	// if unknown. [job.ErrGone] and [job.ErrNotFound] say that the provider has none to
	// give.
	Fetch(ctx context.Context, image Image) (body io.ReadCloser, length int64, err error)
	// Earliest is the earliest time that the provider's clock can have shown when ours
	// showed sent. It asks nobody.
	Earliest(sent time.Time) time.Time
}

// Account is an image API as it was opened with an API key. Its own methods do not
// count their requests: who calls them does.
type Account interface {
	Provider
	// Limited is the same account whose requests are counted, but for that of Submit.
	Limited(requests Requests) Provider
	// Close closes idle connections; the account can be used again.
	Close()
}

// Requests is the request rate that an account shares with others.
type Requests interface {
	// Wait waits for a place in the rate. It is called before each request.
	Wait(ctx context.Context) error
	// Refused is called with each request that was refused, and reports whether it is to
	// be made again. err is what came of it otherwise.
	Refused(ctx context.Context, refusal error) (again bool, err error)
	// Plenty reports whether so many requests are free that saving them is not worth a
	// wait.
	Plenty(ctx context.Context) bool
}

// Run names a run that is polled.
type Run struct {
	ID   string
	Made time.Time // by the provider's clock
	// Request is what it was asked for, Images how many it is to make, and Quoted its price;
	// where they are not known, what it shows is believed.
	Request job.Request
	Images  int
	Quoted  job.CU
}

// Image names an image of a run.
type Image struct {
	Run   string // its id
	Asset string // the image's own id, as the run named it
	Index int    // within the run, from 0
}

// Record is what a provider's own record says of an image; what is 0 or empty it does
// not say.
type Record struct {
	Run           string // that made it
	Width, Height int    // pixels
	Bytes         int64
}

// Recorded is a body of [Provider.Fetch] that comes with the provider's record of the
// image, with which it can be compared.
type Recorded interface{ Record() Record }

// Attempt is a request whose answer was lost.
type Attempt struct {
	Request job.Request
	Sent    time.Time // nothing of it was sent before, by our clock
	// Author is what the provider calls the API key that sent it: by any of these names,
	// and none where none is known. Before Since it may have had others.
	Author []string
	Since  time.Time
	// Elsewhere says to ask other sources, too, where no list shows a run of its time; Soon the
	// same where one shows a run that was made at most Fresh before it.
	Elsewhere, Soon bool
	Fresh           time.Duration
}

// Ours reports which of the runs belong or belonged to other requests of ours.
type Ours func(ctx context.Context, ids []string) (map[string]bool, error)

// Match is what is known of an attempt.
type Match struct {
	// Runs are those that it may have started, the oldest first. More than one are alike
	// in all that tells runs apart.
	Runs []job.Inference
	// Early are those with the attempt's seed which were made, by the clocks, before it was
	// sent: by a wrong clock they are its own, otherwise those of the same rows in another
	// folder. Where the seed was not drawn for the job alone, its API key has started them.
	Early []job.Inference
	// Before are others of what it asks for, made before it by the clocks: without a seed, or with
	// a stated one where it is not known whose key has started them. By a wrong clock one of
	// them is its own. Only a person can tell, and need not where Runs has it.
	Before []job.Inference
	// Unclear says that nobody but a person can tell whether one of Runs is its own, or
	// whether there is one at all.
	Unclear bool
	// Complete says that every run there can be was looked at, as of Asked: where Runs is
	// empty and nothing is unclear, the attempt was not accepted by then, as far as the
	// provider shows.
	Complete bool
	Asked    time.Time // by our clock
	// Bare says that nothing which was shown is of the attempt's time: a list that is empty
	// or old by a fault looks the same. It does not say that the attempt was not accepted.
	Bare bool
	// Lacks is a run that is known to be there and was not shown, or one that was shown and
	// is not there by that id; "" if there is none. A list of which this is so is not to be
	// relied on.
	Lacks string
}
