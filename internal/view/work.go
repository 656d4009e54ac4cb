package view

import (
	"context"
	"strings"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/report"
	"nightshift/internal/text"
	"nightshift/internal/wait"
)

// batchWork is how far the submission of a batch is. What cannot be known without Redis is
// zero.
type batchWork struct {
	// unknownToRedis says that Redis knows nothing of a submission that has begun: it is just being
	// ended, or Redis lost it. Jobs are counted by the logs then, unless in a hurry.
	unknownToRedis bool

	total, kept, succeeded, failed, cancelled, notRun int // jobs
	failedBefore                                      int // jobs that are not run: refused and charged
	failedBeforeCost                                  job.CU
	waiting                                           int // jobs that wait for a pick
	queued, Running, Unknown, Storing                 int
	held                                              int     // of the queued, those that wait for an image of another row
	rest                                              *job.CU // what the queued were quoted; nil if not known
	images, allImages                                 int     // that are there, and of all jobs
	spent, Reserved                                   job.CU
	orphans                                           orphans
	unwatched                                         bool // nobody asks the provider what runs
	inFlight                                          int  // jobs that the logs say are under way; 0 where Redis counts them

	wait          job.WaitReason
	waitUntil     time.Time
	waitDetail    string
	needsOperator bool    // only a person ends the wait
	pace          float64 // images a second
}

// Work is how far the submission of a batch is.
func (v *View) Work(ctx context.Context, r *BatchInfo, beats []fleet.Heartbeat) (batchWork, error) {
	w := batchWork{}
	if r.Submission != nil {
		w.total, w.kept, w.allImages = r.Submission.Jobs, r.Submission.Kept, r.Submission.AllImages
		w.failedBefore, w.failedBeforeCost = r.Submission.FailedBefore, r.Submission.FailedBeforeCost
		w.waiting = r.Submission.Waiting
		if r.hasStarted() {
			w.kept, w.failedBefore = w.kept+r.started.Found, w.failedBefore+r.started.Refused
		}
	}
	if r.Submission == nil || r.Over() {
		v.reported(r, &w)
		return w, nil
	}
	err := v.ongoingWork(ctx, r, &w, beats)
	w.images += r.Submission.KeptImages
	if r.hasStarted() {
		w.images += r.started.FoundImages
	}
	w.allImages = max(w.allImages, r.Submission.Images, w.images)
	return w, err
}

// ongoingWork is how far a submission is that has not come to its end: by Redis, or by the
// logs where that cannot be asked.
func (v *View) ongoingWork(ctx context.Context, r *BatchInfo, w *batchWork, beats []fleet.Heartbeat) error {
	if v.Redis == nil {
		if err := v.countLog(ctx, r, w); err != nil {
			return err
		}
		return v.sumSpend(ctx, r, w)
	}
	err := v.count(ctx, r, w)
	if err != nil {
		return err
	}
	if w.unknownToRedis && !v.Hasty {
		if err := v.countLog(ctx, r, w); err != nil {
			return err
		}
	}
	if err := v.readSpend(ctx, r, w); err != nil {
		return err
	}
	w.pace = paceOf(r.Batch, beats)
	w.waits(r, beats)
	return v.readHolders(ctx, r, w, beats)
}

// readSpend asks Redis what was spent. One that has just begun, or lost what it had, has
// counted nothing yet; then the logs tell.
func (v *View) readSpend(ctx context.Context, r *BatchInfo, w *batchWork) error {
	counted, err := v.admission.Join(ctx)
	if err != nil {
		return err
	}
	if !counted {
		return v.sumSpend(ctx, r, w)
	}
	usage, err := v.admission.Usage(ctx, admission.Scope{Kind: admission.Batch, Name: r.Batch})
	w.spent, w.Reserved = usage[admission.Batch].Spent, usage[admission.Batch].Reserved
	return err
}

// reported takes over what the report of a batch says that is over.
func (v *View) reported(r *BatchInfo, w *batchWork) {
	if r.Report == nil {
		return
	}
	c := r.Report.Counts
	w.total, w.kept, w.succeeded, w.failed, w.cancelled, w.notRun = c.Jobs, c.Kept, c.Succeeded, c.Failed, c.Cancelled, c.NotRun
	w.failedBefore, w.failedBeforeCost = c.FailedBefore, r.Report.Spend.FailedBefore
	w.waiting = c.Waiting
	w.images = max(c.Images, r.Report.Whole.Images)
	w.allImages = max(w.allImages, w.images)
	w.spent, w.Reserved, w.inFlight = r.Report.Spend.Spent, r.Report.Spend.Held, r.Report.InFlight
}

// count reads the jobs by state. While another submission is still being withdrawn they
// are its own, and not counted.
func (v *View) count(ctx context.Context, r *BatchInfo, w *batchWork) error {
	if !r.hasStarted() {
		w.queued = w.total - w.kept - w.failedBefore - w.waiting
		return nil
	}
	epoch, err := v.admission.Begun(ctx)
	if err != nil {
		return err
	}
	feed, err := v.Fleet.Feed(ctx, epoch, r.Batch)
	if err != nil {
		return err
	}
	counts, err := v.jobsOf(r, epoch).Counts(ctx, r.Batch)
	if err != nil {
		return err
	}
	w.unknownToRedis = len(counts.Jobs) == 0 && (feed.Order != r.Submission.ID || feed.All)
	w.succeeded, w.failed, w.cancelled = counts.Jobs[job.Succeeded], counts.Jobs[job.Failed], counts.Jobs[job.Cancelled]
	w.Running = counts.Jobs[job.Running] + counts.Jobs[job.Sending]
	w.Unknown, w.Storing, w.images = counts.Jobs[job.Unknown], counts.Jobs[job.Storing], counts.Images
	w.queued = max(0, w.total-w.kept-w.failedBefore-w.waiting-w.succeeded-w.failed-w.cancelled-w.Running-w.Unknown-w.Storing)
	if feed.Order != r.Submission.ID || w.unknownToRedis {
		return nil
	}
	if feed.All {
		w.queued = counts.Jobs[job.Queued]
	}
	rest := feed.Unfed + counts.Quoted
	w.held, w.rest = min(feed.Held, w.queued), &rest
	return nil
}

// countLog counts the jobs by the logs.
func (v *View) countLog(ctx context.Context, r *BatchInfo, w *batchWork) error {
	sums := report.Report{Order: r.Submission.ID, Started: r.started.At, Counts: report.Counts{Jobs: w.total, Kept: w.kept, FailedBefore: w.failedBefore, Waiting: w.waiting}}
	if r.hasStarted() {
		if err := report.Tally(ctx, batch.NewLog(v.Bucket, r.Batch), &sums); err != nil {
			return err
		}
	}
	w.succeeded, w.failed, w.images = sums.Counts.Succeeded, sums.Counts.Failed, sums.Counts.Images
	w.queued = max(0, w.total-w.kept-w.failedBefore-w.waiting-w.succeeded-w.failed)
	return nil
}

// sumSpend adds what the logs say was spent.
func (v *View) sumSpend(ctx context.Context, r *BatchInfo, w *batchWork) error {
	fold, err := batch.ReadFold(ctx, v.Bucket, r.Batch)
	if err != nil {
		return err
	}
	held, billed, refunded := fold.Total()
	w.spent, w.Reserved, w.inFlight = billed-refunded, held, len(fold.InFlight())
	return nil
}

// paceOf is how many images of a batch come home a second, all workers together; 0
// if not known.
func paceOf(batch string, beats []fleet.Heartbeat) float64 {
	pace := 0.0
	for _, beat := range beats {
		if l := beat.Stored[batch]; l.Seconds >= (20 * time.Second).Seconds() {
			pace += float64(l.Images) / l.Seconds
		}
	}
	return pace
}

// waits says what the batch waits for: by what a person or its manifest wants, and
// else by what its lane waits for.
func (w *batchWork) waits(r *BatchInfo, beats []fleet.Heartbeat) {
	if w.wait, w.waitUntil, w.waitDetail = ownWait(r, time.Now()); w.wait != "" {
		w.needsOperator = wait.Of(w.wait).Person
		return
	}
	for _, beat := range beats {
		l, there := beat.Lanes[r.Submission.Lane()]
		if !there || l.Reason == "" || !concerns(r, l.Reason, l.Detail) {
			continue
		}
		w.wait, w.waitUntil, w.waitDetail, w.needsOperator = l.Reason, l.Until, l.Detail, l.Endless
		return
	}
	switch {
	case w.Unknown > 0:
		w.wait, w.waitDetail = job.WaitUnknown, text.Count(w.Unknown, "submission")
	case w.held > 0 && w.held == w.queued:
		w.wait, w.waitDetail = job.WaitNeed, text.Count(w.held, "job")
	}
}

// ownWait is what the batch waits for whatever its lane does.
func ownWait(r *BatchInfo, now time.Time) (reason job.WaitReason, until time.Time, detail string) {
	if r.Control.State == batch.ControlPause {
		return job.WaitPaused, time.Time{}, r.Control.Closed()
	}
	if window := r.Submission.Rules.Window; window != nil && r.Control.State != batch.ControlCancel {
		if next := window.Next(now); next.After(now) {
			return job.WaitWindow, next, "it is " + window.String()
		}
	}
	return "", time.Time{}, ""
}

// concerns reports whether what a lane waits for may hold up this batch, and not only
// another one of the lane.
func concerns(r *BatchInfo, reason job.WaitReason, detail string) bool {
	switch reason {
	case job.WaitPaused, job.WaitWindow:
		return false // its own were looked at
	case job.WaitBatchCU:
		return strings.Contains(detail, "batch "+r.Batch+",")
	default:
		return true
	}
}

// limits gathers what a bottleneck follows from.
func (v *View) limits(ctx context.Context, r *BatchInfo, w *batchWork, beats []fleet.Heartbeat) (limitFacts, error) {
	f := limitFacts{
		wait: w.wait, waitUntil: w.waitUntil, waitDetail: w.waitDetail,
		queued: w.queued - w.held, held: w.held, running: w.Running + w.Unknown, stored: w.Storing,
		blocked: make(map[job.WaitReason]float64),
	}
	if w.needsOperator {
		f.waitUntil = time.Time{}
	}
	if own, at, detail := ownWait(r, time.Now()); own != "" {
		f.own, f.ownUntil, f.ownDetail = own, at, detail
	}
	for _, beat := range beats {
		l, there := beat.Lanes[r.Submission.Lane()]
		if !there {
			continue
		}
		f.workers++
		f.observed += min(time.Since(beat.Started), time.Since(r.started.At), time.Minute).Seconds()
		for reason, seconds := range l.Blocked {
			if concerns(r, reason, w.waitDetail) {
				f.blocked[reason] += seconds
			}
		}
		f.submitting, f.submitSlots = f.submitting+l.Submitting, f.submitSlots+l.SubmitSlots
		f.storing, f.storeSlots = f.storing+l.Storing, f.storeSlots+l.StoreSlots
	}
	if f.workers == 0 {
		f.workers = len(beats) // they have not begun the lane yet
	}
	var err error
	f.keys, err = v.keysOf(ctx, r)
	f.orphans, f.unwatched = w.orphans, w.unwatched
	for i := range f.keys { // what runs is what counts, not what was once granted
		f.keys[i].Running = max(0, f.keys[i].Running-w.orphans[f.keys[i].Team])
	}
	return f, err
}

// keysOf is how the API keys stand that the batch uses: those that its folder names,
// with the limits of the settings where they are known here.
func (v *View) keysOf(ctx context.Context, r *BatchInfo) ([]pool.KeyStatus, error) {
	state, err := batch.ReadState(ctx, v.Bucket, r.Batch)
	if err != nil || state == nil {
		return nil, err
	}
	rules := &config.Keys{Teams: map[string]config.Limits{"": {Parallel: v.Settings.Parallel}}}
	if v.Settings.KeysFile != "" {
		if known, err := config.ReadKeys(v.Settings.KeysFile, v.Process.Environ); err == nil {
			rules = known
		}
	}
	own := rules.Pools[poolOf(r.Submission)]
	g := &pool.Limiter{
		Admission: v.admission, Requests: v.Settings.RequestsPerMinute,
		Keys: &pool.Keyring{Rules: rules, Keys: map[string]*pool.Key{}, Origins: state.Keys},
	}
	var all []pool.KeyStatus
	now := time.Now()
	for id, world := range state.Keys {
		key := &pool.Key{APIKey: config.APIKey{ID: id, Mode: r.Submission.Mode, Project: world.Project, Team: world.Team}}
		for _, known := range own {
			if known.ID == id {
				key.Limits = known.Limits
			}
		}
		candidate := g.Candidate(key, now)
		usage, err := v.admission.Usage(ctx, candidate...)
		if err != nil {
			return nil, err
		}
		all = append(all, pool.StatusOf(key, r.Submission.Pool, candidate, usage))
	}
	return all, nil
}

func poolOf(o *batch.Submission) string {
	if o.Pool == "" {
		return job.DefaultPool
	}
	return o.Pool
}
