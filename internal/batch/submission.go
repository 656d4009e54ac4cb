package batch

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/plan"
)

// What the bucket holds of submissions beside the folders of batches.
const (
	submissionName = "_nightshift/order.json" // in the batch's folder
	StartedName    = "_nightshift/began.json"
	// OpenFolder has a folder for each open batch, and in it
	// one for each of its submissions that is not over.
	OpenFolder = "_nightshift/open"
	openName   = "open"
)

// Submission is what a fleet was asked to do with a batch: the plan beside it, under
// these rules. A batch has one submission at a time; the next replaces it.
type Submission struct {
	// ID is the same for everybody who submits the same manifest after the same
	// submission, so that two submissions at once are one.
	ID       string `json:"id"`
	Revision int    `json:"number"`
	Content  string `json:"content"` // digest of jobs and rules
	Batch    string `json:"batch"`
	Name     string `json:"name"`
	Manifest string `json:"manifest"` // name of its file
	// File is the absolute path of the manifest, on the machine of whoever submitted it.
	File   string `json:"file,omitempty"`
	Source Source `json:"source,omitzero"`
	// Renamed says that the command line named the batch, and not its manifest.
	Renamed bool `json:"renamed,omitempty"`

	Mode     job.Mode        `json:"mode"`
	Pool     string          `json:"pool,omitempty"`
	Priority job.Priority    `json:"priority"`
	Rules    submissionRules `json:"rules"`
	// OwnLane says that the batch has a lane of its own: enqueue run works on nothing else.
	OwnLane bool `json:"own,omitempty"`
	// Local says that it runs on a Redis within the process of enqueue run, so that no
	// worker of another process may take part.
	Local bool `json:"local,omitempty"`

	Plan string `json:"plan"` // object key
	Jobs int    `json:"jobs"` // in the plan
	Kept int    `json:"kept"`
	// FailedBefore are jobs that were refused for their content and charged, and do not run
	// again, and FailedBeforeCost what they cost so far.
	FailedBefore     int    `json:"failedBefore,omitempty"`
	FailedBeforeCost job.CU `json:"failedBeforeCost,omitempty"`
	// Waiting are jobs that wait for a pick and do not run, and WaitingCost what they cost once
	// they do.
	Waiting     int    `json:"waiting,omitempty"`
	WaitingCost job.CU `json:"waitingCost,omitempty"`
	// Chained says that jobs take images of others.
	Chained bool `json:"chained,omitempty"`
	// RetryRefused says that such jobs are among those that run.
	RetryRefused bool `json:"retryRefused,omitempty"`
	Images       int  `json:"images"` // of the jobs that run
	// NoneFits says that by the plan no job fits under the caps, so that nothing is to be
	// waited for.
	NoneFits bool `json:"noneFits,omitempty"`
	// KeptImages are those that are there already.
	KeptImages int `json:"keptImages,omitempty"`
	// AllImages are those of all jobs of the plan.
	AllImages int    `json:"allImages,omitempty"`
	Cost      job.CU `json:"cost"` // of the jobs that run
	// Forecast is how long it takes by the plan, in seconds.
	Forecast float64   `json:"forecastSeconds"`
	Planned  time.Time `json:"planned"` // before anything of the plan was read
}

// submissionRules are the manifest's rules of a batch.
type submissionRules struct {
	Budget   *job.CU           `json:"budget,omitempty"`
	Drift    manifest.Drift    `json:"drift"` // in parts per thousand
	OnBudget manifest.OnBudget `json:"onBudget"`
	Window   *manifest.Window  `json:"window,omitempty"`
}

// Lane is the name of the lane that runs the batch: its pool of API keys in its mode.
func (o *Submission) Lane() string {
	if o.OwnLane {
		return laneName(o.Pool, o.Mode) + "/" + o.Batch
	}
	return laneName(o.Pool, o.Mode)
}

// ToRun is how many jobs of the plan run.
func (o *Submission) ToRun() int { return o.Jobs - o.Kept - o.FailedBefore - o.Waiting }

// NewSubmission makes the submission of a plan.
// It still lacks the plan's object, its digest and its number.
func NewSubmission(m *manifest.Manifest, p *plan.Plan, planned time.Time) *Submission {
	return &Submission{
		Batch: m.Batch(), Name: m.Name, Manifest: path.Base(m.Path), Mode: m.Mode, Pool: m.Pool, Priority: job.Priority(m.Priority),
		Rules: submissionRules{Budget: m.Budget, Drift: m.MaxDrift, OnBudget: m.OnBudget, Window: m.Window},
		Jobs:  p.Jobs, Kept: p.Kept, Images: p.ImagesToRun, KeptImages: p.KeptImages, AllImages: p.Images - p.WaitingImages, Cost: p.Cost, Forecast: p.Forecast.Duration().Seconds(), Planned: planned,
		FailedBefore: p.FailedBefore, FailedBeforeCost: p.FailedBeforeCost, RetryRefused: p.RetryRefused, Waiting: p.Waiting, WaitingCost: p.WaitingCost, Chained: p.Chained, NoneFits: p.ToRun() > 0 && p.Forecast.Jobs == 0,
	}
}

// OtherFile is the manifest that the batch was last submitted from, if it is still there and
// is another file than this one; "" if not. One that was moved is no other.
func (o *Submission) OtherFile(m *manifest.Manifest) string {
	if o.File == "" || o.File == m.Path {
		return ""
	}
	one, err := os.Stat(o.File)
	if err != nil {
		return ""
	}
	two, err := os.Stat(m.Path)
	if err != nil || os.SameFile(one, two) {
		return ""
	}
	return o.File
}

// Version names the submission and what is wanted of it, for workers to say what they know.
func (o *Submission) Version(wanted ControlState) string { return o.ID + " " + string(wanted) }

// SetRevision numbers the submission after the one before. Without one it is the first, or
// comes after all that are still marked as open, should their object have been lost.
func (o *Submission) SetRevision(ctx context.Context, b bucket.Objects, before *Submission) error {
	if before != nil {
		o.Revision = before.Revision + 1
		return nil
	}
	o.Revision = 1
	marked, err := b.Folders(ctx, OpenFolder+"/"+o.Batch)
	for _, id := range marked {
		if number := numberOf(id); number > 1 { // another first one may come at the same time
			o.Revision = max(o.Revision, number+1)
		}
	}
	return err
}

// SetID gives the submission its id, by the digest of the plan's jobs and the rules they run
// under.
func (o *Submission) SetID(jobs string) error {
	content := []any{jobs, o.Mode, o.Pool, o.Priority, o.Rules, o.OwnLane}
	if o.RetryRefused {
		content = append(content, "retry refused")
	}
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	o.Content = hex.EncodeToString(sum[:8])
	o.ID = fmt.Sprintf("%d-%s", o.Revision, o.Content)
	return nil
}

// NewPlanKey is an object key for a plan that no other has.
func NewPlanKey(batch string) string {
	return batch + "/_nightshift/plans/" + strings.ToLower(rand.Text()) + ".jsonl"
}

// SubmissionKey is the object that holds the submission of a batch.
func SubmissionKey(batch string) string { return batch + "/" + submissionName }

// ReadSubmission returns the submission of a batch, nil if it has none.
func ReadSubmission(ctx context.Context, b bucket.Objects, batch string) (*Submission, error) {
	o := new(Submission)
	found, err := ReadJSON(ctx, b, SubmissionKey(batch), o)
	if err != nil || !found {
		return nil, err
	}
	return o, nil
}

// WriteSubmission replaces the submission of a batch. Its plan must be there; workers hear of
// it when the batch is opened.
func WriteSubmission(ctx context.Context, b bucket.Objects, o *Submission) error {
	return WriteJSON(ctx, b, SubmissionKey(o.Batch), o)
}

// Started is when a submission's first job was given out. Results recorded later are of it.
type Started struct {
	Order string    `json:"order"`
	Plan  string    `json:"plan"`
	At    time.Time `json:"at"`
	// Found are jobs that the plan wants to run and that were made by the submission before
	// after the plan had looked, with their images. They are kept.
	Found       int `json:"found"`
	FoundImages int `json:"foundImages"`
	// Refused are jobs that were refused and charged in that time, with their images. They
	// are not sent again.
	Refused       int `json:"refused,omitempty"`
	RefusedImages int `json:"refusedImages,omitempty"`
}

// OpenBatches are the open batches.
func OpenBatches(ctx context.Context, b bucket.Objects) ([]string, error) {
	marked, err := batchesIn(ctx, b, OpenFolder)
	if err != nil {
		return nil, err
	}
	var open []string
	for _, batch := range marked {
		marked, err := IsOpen(ctx, b, batch)
		if err != nil {
			return nil, err
		}
		if marked {
			open = append(open, batch)
		}
	}
	return open, nil
}

// IsOpen reports whether a batch has a submission that is not over. A folder may still be there
// when its mark is gone.
func IsOpen(ctx context.Context, b bucket.Objects, batch string) (bool, error) {
	orders, err := b.Folders(ctx, OpenFolder+"/"+batch)
	if err != nil {
		return false, err
	}
	for _, id := range orders {
		_, err := b.Stat(ctx, openKey(&Submission{Batch: batch, ID: id}))
		if !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

// openKey is the object that tells workers that there is something to do in a batch.
// Each submission has one of its own, so that closing one cannot close the next, whatever
// comes when and dies in between.
func openKey(o *Submission) string { return OpenFolder + "/" + o.Batch + "/" + o.ID + "/" + openName }

// OpenBatch tells workers that there is something to do in a batch: its submission.
func OpenBatch(ctx context.Context, b bucket.Objects, o *Submission) error {
	return b.Put(ctx, openKey(o), strings.NewReader("\n"))
}

// CloseBatch tells workers that nothing is left to do of a submission, nor of those that
// it came in place of. now is the batch's submission by now.
func CloseBatch(ctx context.Context, b bucket.Objects, over, now *Submission) error {
	marked, err := b.Folders(ctx, OpenFolder+"/"+over.Batch)
	if err != nil {
		return err
	}
	for _, id := range marked {
		if now != nil && id == now.ID && id != over.ID || numberOf(id) > over.Revision {
			continue // it came after this one, perhaps just now
		}
		if err := b.Delete(ctx, openKey(&Submission{Batch: over.Batch, ID: id})); err != nil {
			return err
		}
	}
	return nil
}

// numberOf is the number of the submission that an id names; 0 if it names none.
func numberOf(id string) int {
	number, _, _ := strings.Cut(id, "-")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return n
}

// MaxJSON is far more than any of the small objects has.
const MaxJSON = 1 << 20

// ReadJSON reads a small object; found is false if there is none. The error of one that
// cannot be decoded is a [job.HintedError] that wraps [job.ErrDamaged].
func ReadJSON(ctx context.Context, b bucket.Objects, key string, into any) (found bool, err error) {
	body, err := b.Open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer body.Close() // only read from
	var text json.RawMessage
	err = json.NewDecoder(io.LimitReader(body, MaxJSON)).Decode(&text)
	if err == nil && string(text) == "null" {
		err = errNull
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		hint := "delete the object"
		if path.Base(key) == path.Base(submissionName) {
			hint += ", then submit the manifest again"
		}
		return false, &job.HintedError{Err: fmt.Errorf("read %s: %w: %w", b.Path(key), job.ErrDamaged, err), Hint: hint}
	}
	return true, nil
}

var errNull = errors.New("it says null")

// WriteJSON replaces a small object, whole or not at all. The error is the bucket's.
func WriteJSON(ctx context.Context, b bucket.Objects, key string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return b.Put(ctx, key, bytes.NewReader(append(data, '\n')))
}
