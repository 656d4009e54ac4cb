package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/outlook"
	"nightshift/internal/progress"
	"nightshift/internal/redisclient"
	"nightshift/internal/text"
)

// Status is what the command status shows. The names of its JSON stay; fields may
// be added.
type Status struct {
	Batches []BatchStatus  `json:"batches"`
	Workers []workerStatus `json:"workers"`
	// Notes say what could not be known, and why.
	Notes []string `json:"notes"`
}

// BatchStatus is how a batch stands. Images and CU are those of the whole batch; of one that
// is over, jobs are those of its report.
type BatchStatus struct {
	Batch     string      `json:"batch"`
	Name      string      `json:"name"`
	Mode      job.Mode    `json:"mode"`
	State     State       `json:"state"`
	Why       string      `json:"why,omitempty"` // it is paused, blocked or was ended
	Hint      string      `json:"hint,omitempty"`
	Manifest  string      `json:"manifest,omitempty"`
	Order     string      `json:"order,omitempty"`
	Lane      string      `json:"lane,omitempty"`
	Submitted time.Time   `json:"submitted,omitzero"`
	Started   time.Time   `json:"began,omitzero"`
	Ended     time.Time   `json:"ended,omitzero"`
	Jobs      statusJobs  `json:"jobs"`
	Images    statusTotal `json:"images"`
	CU        statusCU    `json:"cu"`
	// Picks are how its images are marked; absent while none is, and while it goes on.
	Picks *job.Picks `json:"picks,omitempty"`
	// ImagesPerMinute is the rate of the last minutes; absent where it is not known,
	// as SecondsLeft is.
	ImagesPerMinute float64       `json:"imagesPerMinute,omitempty"`
	SecondsLeft     float64       `json:"secondsLeft,omitempty"`
	Waiting         *statusWait   `json:"waiting,omitempty"`
	Bottleneck      *bottleneck   `json:"bottleneck,omitempty"`
	Questions       int           `json:"questions"` // lost replies that wait for a decision
	Trouble         []troubleSeen `json:"trouble,omitempty"`

	work  batchWork
	again string // the command that makes what is missing; "" if nothing is
	arg   string // what the batch is called on a command line
}

// statusJobs are jobs by state. Where Redis was not asked, queued are all that have
// no result.
type statusJobs struct {
	Total  int `json:"total"`
	Kept   int `json:"kept"`
	Queued int `json:"queued"`
	// Held are those of the queued that wait for an image of another row.
	Held      int `json:"held,omitempty"`
	Running   int `json:"running"`
	Unknown   int `json:"unknown"`
	Storing   int `json:"storing"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	NotRun    int `json:"notRun"`
	// FailedBefore were refused for their content and charged, and do not run again.
	FailedBefore int `json:"failedBefore,omitempty"`
	// Waiting wait for a pick.
	Waiting int `json:"waiting,omitempty"`
	// InFlight are those of a batch that nobody works on that were sent and not collected.
	InFlight int `json:"inFlight,omitempty"`
}

// Missing is how many jobs of a batch that is over have no images.
func (j *statusJobs) Missing() int { return j.Failed + j.Cancelled + j.NotRun + j.FailedBefore }

type statusTotal struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

type statusCU struct {
	Spent    job.CU  `json:"spent"`
	Reserved job.CU  `json:"reserved"`
	Budget   *job.CU `json:"budget,omitempty"`
	// FailedBefore is what the jobs that failed before cost so far.
	FailedBefore job.CU `json:"failedBefore,omitempty"`
	// InTheEnd is what will have been spent, estimated; absent where it is not known.
	InTheEnd job.CU `json:"inTheEnd,omitempty"`
}

type statusWait struct {
	Reason        job.WaitReason `json:"reason"`
	Until         time.Time      `json:"until,omitzero"`
	Detail        string         `json:"detail,omitempty"`
	NeedsOperator bool           `json:"endless"` // until a person does something
}

type troubleSeen struct {
	Worker string `json:"worker"`
	Text   string `json:"text"`
}

type workerStatus struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Leads   []string  `json:"leads"`
	Trouble string    `json:"trouble,omitempty"` // of the worker itself
}

// WriteIndented writes a value for programs and people who read what programs do.
func WriteIndented(out io.Writer, value any) error {
	return text.WriteIndentedJSON(out, value)
}

// Status is how these batches and all workers stand, for the command status. Without Redis
// it says what is not known, and of a batch whose objects are damaged what to do about it.
// The error is the bucket's or Redis'.
func (v *View) Status(ctx context.Context, batches []string) (*Status, error) {
	all := &Status{Batches: []BatchStatus{}, Workers: []workerStatus{}, Notes: []string{}}
	open, err := batch.OpenBatches(ctx, v.Bucket)
	if err != nil {
		return nil, err
	}
	beats, err := v.heartbeats(ctx)
	if err != nil {
		return nil, err
	}
	all.addWorkers(beats)
	var blind []string // why what is not known
	if v.Fleet == nil && len(batches) == 0 {
		blind = append(blind, v.blind)
	}
	for _, id := range batches {
		b, why, err := v.statusOf(ctx, id, slices.Contains(open, id), beats, all)
		if errors.Is(err, job.ErrDamaged) {
			b = damagedStatus(id, err)
		} else if err != nil {
			return nil, err
		}
		if why != "" && !slices.Contains(blind, why) {
			blind = append(blind, why)
		}
		all.Batches = append(all.Batches, *b)
	}
	if v.Redis != nil {
		if full := redisclient.Full(ctx, v.Redis); full != "" {
			all.Notes = append(all.Notes, full)
		}
	}
	for _, why := range blind {
		all.Notes = append(all.Notes, why+"; what runs now, what is waited for and which workers there are is not known")
	}
	return all, nil
}

// statusOf is how a batch stands, and why nobody could say what goes on in it; "" if that is
// known. The workers of a run with a Redis of its own are added to all.
func (v *View) statusOf(ctx context.Context, id string, open bool, beats []fleet.Heartbeat, all *Status) (b *BatchStatus, blind string, err error) {
	r, err := ReadBatchInfo(ctx, v.Bucket, id, open)
	if err != nil {
		return nil, "", err
	}
	of, err := v.Of(ctx, id)
	if err != nil {
		return nil, "", err
	}
	if of != v {
		if beats, err = of.heartbeats(ctx); err != nil {
			return nil, "", err
		}
		all.addWorkers(beats)
	}
	if r.Open && of.Fleet == nil {
		blind = of.blind
	}
	b, err = of.batchStatus(ctx, r, beats)
	return b, blind, err
}

// Standing is how far a batch is, without what only status tells. The error is the bucket's
// or Redis'.
func (v *View) Standing(ctx context.Context, r *BatchInfo) (*BatchStatus, error) {
	of := v
	if r.local() && !r.Over() {
		var err error
		if of, err = v.Of(ctx, r.Batch); err != nil {
			return nil, err
		}
	}
	var beats []fleet.Heartbeat
	if r.Open {
		var err error
		if beats, err = of.heartbeats(ctx); err != nil {
			return nil, err
		}
	}
	return of.headStatus(ctx, r, beats)
}

// heartbeats are those of all workers; none where there is no Redis.
func (v *View) heartbeats(ctx context.Context) ([]fleet.Heartbeat, error) {
	if v.Fleet == nil {
		return nil, nil
	}
	return v.Fleet.Workers(ctx)
}

func (s *Status) addWorkers(beats []fleet.Heartbeat) {
	for _, beat := range beats {
		s.Workers = append(s.Workers, workerStatus{
			Name: beat.Worker, Version: beat.Version, Started: beat.Started, Leads: append([]string{}, beat.Leads...), Trouble: beat.Trouble[""],
		})
	}
}

// damagedStatus is that of a batch of which an object cannot be read.
func damagedStatus(id string, err error) *BatchStatus {
	r := BatchInfo{Batch: id}
	return &BatchStatus{Batch: id, Name: r.Name(), Mode: r.Mode(), State: StateDamaged, Why: err.Error(), Hint: job.Hint(err)}
}

// batchStatus is how a batch stands.
func (v *View) batchStatus(ctx context.Context, r *BatchInfo, beats []fleet.Heartbeat) (*BatchStatus, error) {
	b, err := v.headStatus(ctx, r, beats)
	if err != nil || !r.Open {
		return b, err
	}
	return b, v.ongoing(ctx, r, b, beats)
}

// headStatus is how far a batch is, without what only status tells.
func (v *View) headStatus(ctx context.Context, r *BatchInfo, beats []fleet.Heartbeat) (*BatchStatus, error) {
	b := &BatchStatus{Batch: r.Batch, Name: r.Name(), Mode: r.Mode(), State: r.State(), arg: Arg(ctx, v.Bucket, r.Batch)}
	w, err := v.Work(ctx, r, beats)
	if err != nil {
		return nil, err
	}
	b.work = w
	if o := r.Submission; o != nil {
		b.Manifest, b.Order, b.Lane, b.Submitted, b.CU.Budget = o.Manifest, o.ID, o.Lane(), o.Planned, o.Rules.Budget
	}
	if r.hasStarted() {
		b.Started = r.started.At
	}
	b.Jobs = statusJobs{
		Total: w.total, Kept: w.kept, Queued: w.queued, Held: w.held, Running: w.Running, Unknown: w.Unknown, Storing: w.Storing,
		Succeeded: w.succeeded, Failed: w.failed, Cancelled: w.cancelled, NotRun: w.notRun,
		FailedBefore: w.failedBefore, Waiting: w.waiting,
	}
	if !r.Open {
		b.Jobs.InFlight = w.inFlight
	}
	b.CU.FailedBefore = w.failedBeforeCost
	b.Images, b.CU.Spent, b.CU.Reserved = statusTotal{w.images, w.allImages}, w.spent, w.Reserved
	if w.wait != "" {
		b.Waiting = &statusWait{Reason: w.wait, Until: w.waitUntil, Detail: w.waitDetail, NeedsOperator: w.needsOperator}
	}
	switch {
	case !r.Open:
		b.again = v.goesOnWith(ctx, r, &b.Jobs)
		if r.Report != nil {
			b.Picks = r.Report.Picks
		}
		if r.Report != nil && r.State() == State(r.Report.State) {
			b.Why, b.Hint, b.Ended = r.Report.Reason, v.named(ctx, r, r.Report.Hint), r.Report.Ended
		}
	case v.Fleet != nil && len(beats) == 0 && b.State == StateRunning:
		b.State = StateWaiting
	}
	v.foresee(r, b, beats, time.Now())
	return b, nil
}

// foresee adds what a batch that runs comes to. Without Redis nothing can be said: what runs
// is not known.
func (v *View) foresee(r *BatchInfo, b *BatchStatus, beats []fleet.Heartbeat, now time.Time) {
	if b.State != StateRunning || v.Fleet == nil {
		return
	}
	w, o := b.work, r.Submission
	facts := outlook.Facts{
		Now: now, Spent: w.spent, Reserved: w.Reserved, Budget: o.Rules.Budget, Caps: capsOf(o, beats, w.spent+w.Reserved), Price: o.Cost, Jobs: o.ToRun(), Queued: w.queued, Rest: w.rest,
		Images: w.allImages - r.imagesLeftOut(), Done: w.images, Pace: w.pace, Forecast: time.Duration(o.Forecast * float64(time.Second)),
		Elapsed: now.Sub(b.Started), Endless: w.needsOperator,
	}
	if !w.waitUntil.IsZero() {
		facts.Wait = w.waitUntil.Sub(now)
	}
	b.ImagesPerMinute, b.SecondsLeft, b.CU.InTheEnd = w.pace*60, facts.Left().Seconds(), facts.Cost()
}

// capsOf are what the caps leave of which the workers told a moment ago, less what the batch
// has used since. Where it ends at a full cap, none of them comes back.
func capsOf(o *batch.Submission, beats []fleet.Heartbeat, used job.CU) []job.Headroom {
	for _, beat := range beats {
		lane, there := beat.Lanes[o.Lane()]
		if !there {
			continue
		}
		since := job.CU(0)
		if then, told := lane.Used[o.Batch]; told {
			since = max(0, used-then)
		}
		caps := slices.Clone(lane.Caps) // the beats are of other batches, too
		for i := range caps {
			caps[i].Left = max(0, caps[i].Left-since)
			if o.Rules.OnBudget == manifest.OnBudgetFail {
				caps[i].Renews = time.Time{}
			}
		}
		return caps
	}
	return nil
}

// ongoing adds what is to be said of a batch that is not over.
func (v *View) ongoing(ctx context.Context, r *BatchInfo, b *BatchStatus, beats []fleet.Heartbeat) error {
	if r.Control.State != batch.ControlGo {
		b.Why, b.Hint = r.Control.Why, v.named(ctx, r, r.Control.Hint)
	}
	open, err := batch.NewDecisions(v.Bucket, r.Batch).Open(ctx)
	if err != nil {
		return err
	}
	b.Questions = len(open)
	w := b.work
	if v.Fleet == nil {
		return nil
	}
	for _, beat := range beats {
		if text := beat.Trouble[r.Batch]; text != "" {
			b.Trouble = append(b.Trouble, troubleSeen{beat.Worker, text})
		}
	}
	facts, err := v.limits(ctx, r, &w, beats)
	if err != nil {
		return err
	}
	limit := limit(facts)
	limit.Text = v.named(ctx, r, limit.Text)
	b.Bottleneck = &limit
	return nil
}

// Write shows it to a person.
func (s *Status) Write(out io.Writer, style progress.Style, now time.Time) error {
	for i := range s.Batches {
		if i > 0 {
			fmt.Fprintln(out)
		}
		standing := s.Batches[i].standing()
		if err := standing.Write(out, style, now); err != nil {
			return err
		}
	}
	if len(s.Batches) == 0 {
		fmt.Fprintln(out, "no batch is open; enqueue ls shows all")
	}
	fmt.Fprintln(out)
	for _, note := range s.Notes {
		fmt.Fprintln(out, note)
	}
	if len(s.Notes) > 0 {
		return nil // of workers nothing is known
	}
	return s.writeWorkers(out, style, now)
}

func (s *Status) writeWorkers(out io.Writer, style progress.Style, now time.Time) error {
	if len(s.Workers) == 0 {
		_, err := fmt.Fprintln(out, "no worker runs")
		return err
	}
	var rows [][]string
	for _, w := range s.Workers {
		leads := strings.Join(w.Leads, ", ")
		if leads == "" {
			leads = "-"
		}
		rows = append(rows, []string{w.Name, now.Sub(w.Started).Round(time.Second).String(), leads, w.Version})
	}
	if err := progress.Table(out, style, []string{"WORKER", "UP", "LEADS", "VERSION"}, rows); err != nil {
		return err
	}
	for _, w := range s.Workers {
		if w.Trouble != "" {
			fmt.Fprintf(out, "%s: %s\n", w.Name, w.Trouble)
		}
	}
	return nil
}
