package app

import (
	"context"
	"strings"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/queue"
	"nightshift/internal/results"
	"nightshift/internal/text"
	"nightshift/internal/wait"
)

// batchWork is how far the order of a batch is. What cannot be known without Redis is
// zero.
type batchWork struct {
	// gone says that Redis knows nothing of an order that has begun: it is just being
	// ended, or Redis lost it. Jobs are counted by the logs then, unless in a hurry.
	gone bool

	total, kept, succeeded, failed, cancelled, notRun int // jobs
	queued, running, unknown, storing                 int
	images, toDo                                      int // images made, and those of the jobs that run
	spent, reserved                                   job.CU

	wait       job.WaitReason
	waitUntil  time.Time
	waitDetail string
	endless    bool    // only a person ends the wait
	pace       float64 // images a second
}

// work is how far the order of a batch is.
func (v *fleetView) work(ctx context.Context, r *batchRecord, beats []fleet.Beat) (batchWork, error) {
	w := batchWork{}
	if r.order != nil {
		w.total, w.kept, w.toDo = r.order.Jobs, r.order.Kept, r.order.Images
		if r.begun() {
			w.kept, w.toDo = w.kept+r.began.Found, w.toDo-r.began.FoundImages
		}
	}
	if r.order == nil || r.over() {
		v.reported(r, &w)
		return w, nil
	}
	if v.redis == nil {
		if err := v.countLog(ctx, r, &w); err != nil {
			return w, err
		}
		return w, v.sumSpend(ctx, r, &w)
	}
	if err := v.count(ctx, r, &w); err != nil {
		return w, err
	}
	if w.gone && !v.hasty {
		if err := v.countLog(ctx, r, &w); err != nil {
			return w, err
		}
	}
	usage, err := v.admission.Usage(ctx, admission.Scope{Kind: admission.Batch, Name: r.batch})
	if err != nil {
		return w, err
	}
	w.spent, w.reserved = usage[admission.Batch].Spent, usage[admission.Batch].Reserved
	w.pace = paceOf(r.batch, beats)
	w.waits(r, beats)
	return w, nil
}

// reported takes over what the report of a batch says that is over.
func (v *fleetView) reported(r *batchRecord, w *batchWork) {
	if r.report == nil {
		return
	}
	c := r.report.Counts
	w.total, w.kept, w.succeeded, w.failed, w.cancelled, w.notRun, w.images = c.Jobs, c.Kept, c.Succeeded, c.Failed, c.Cancelled, c.NotRun, c.Images
	w.toDo = max(w.toDo, w.images)
	w.spent, w.reserved = r.report.Spend.Spent, r.report.Spend.Held
}

// count reads the jobs by state. While another order is still being withdrawn they
// are its own, and not counted.
func (v *fleetView) count(ctx context.Context, r *batchRecord, w *batchWork) error {
	if !r.begun() {
		w.queued = w.total - w.kept
		return nil
	}
	life, err := v.admission.Begun(ctx)
	if err != nil {
		return err
	}
	feed, err := v.fleet.Feed(ctx, life, r.batch)
	if err != nil {
		return err
	}
	jobs := queue.New(queue.Options{
		Redis: v.redis, Prefix: v.prefix, Pool: lanePool(r.order.lane(), life), Logger: v.logger,
	})
	counts, err := jobs.Counts(ctx, r.batch)
	if err != nil {
		return err
	}
	w.gone = len(counts.Jobs) == 0 && (feed.Order != r.order.ID || feed.All)
	w.succeeded, w.failed, w.cancelled = counts.Jobs[job.Succeeded], counts.Jobs[job.Failed], counts.Jobs[job.Cancelled]
	w.running = counts.Jobs[job.Running] + counts.Jobs[job.Sending]
	w.unknown, w.storing, w.images = counts.Jobs[job.Unknown], counts.Jobs[job.Storing], counts.Images
	w.queued = max(0, w.total-w.kept-w.succeeded-w.failed-w.cancelled-w.running-w.unknown-w.storing)
	if feed.Order == r.order.ID && feed.All && !w.gone {
		w.queued = counts.Jobs[job.Queued]
	}
	return nil
}

// countLog counts the jobs by the logs.
func (v *fleetView) countLog(ctx context.Context, r *batchRecord, w *batchWork) error {
	report := results.Report{Started: r.began.At, Counts: results.Counts{Jobs: w.total, Kept: w.kept}}
	if r.begun() {
		if err := results.NewLog(v.bucket, r.batch).Tally(ctx, &report); err != nil {
			return err
		}
	}
	w.succeeded, w.failed, w.images = report.Counts.Succeeded, report.Counts.Failed, report.Counts.Images
	w.queued = max(0, w.total-w.kept-w.succeeded-w.failed)
	return nil
}

// sumSpend adds what the logs say was spent.
func (v *fleetView) sumSpend(ctx context.Context, r *batchRecord, w *batchWork) error {
	fold, err := batch.ReadFold(ctx, v.bucket, r.batch)
	if err != nil {
		return err
	}
	held, billed, refunded := fold.Total()
	w.spent, w.reserved = billed-refunded, held
	return nil
}

// paceOf is how many images of a batch come home a second, all workers together; 0
// if not known.
func paceOf(batch string, beats []fleet.Beat) float64 {
	pace := 0.0
	for _, beat := range beats {
		if l := beat.Landed[batch]; l.Seconds >= (20 * time.Second).Seconds() {
			pace += float64(l.Images) / l.Seconds
		}
	}
	return pace
}

// waits says what the batch waits for: by what a person or its manifest wants, and
// else by what its lane waits for.
func (w *batchWork) waits(r *batchRecord, beats []fleet.Beat) {
	if w.wait, w.waitUntil, w.waitDetail = ownWait(r, time.Now()); w.wait != "" {
		w.endless = wait.Of(w.wait).Person
		return
	}
	for _, beat := range beats {
		l, there := beat.Lanes[r.order.lane()]
		if !there || l.Reason == "" || !concerns(r, l.Reason, l.Detail) {
			continue
		}
		w.wait, w.waitUntil, w.waitDetail, w.endless = l.Reason, l.Until, l.Detail, l.Endless
		return
	}
	if w.unknown > 0 {
		w.wait, w.waitDetail = job.WaitUnknown, text.Count(w.unknown, "submission")
	}
}

// ownWait is what the batch waits for whatever its lane does.
func ownWait(r *batchRecord, now time.Time) (reason job.WaitReason, until time.Time, detail string) {
	if r.control.State == controlPause {
		return job.WaitPaused, time.Time{}, r.control.closed()
	}
	if window := r.order.Rules.Window; window != nil && r.control.State != controlCancel {
		if next := window.Next(now); next.After(now) {
			return job.WaitWindow, next, "it is " + window.String()
		}
	}
	return "", time.Time{}, ""
}

// concerns reports whether what a lane waits for may hold up this batch, and not only
// another one of the lane.
func concerns(r *batchRecord, reason job.WaitReason, detail string) bool {
	switch reason {
	case job.WaitPaused, job.WaitWindow:
		return false // its own were looked at
	case job.WaitBatchCU:
		return strings.Contains(detail, "batch "+r.batch+",")
	default:
		return true
	}
}

// limits gathers what a bottleneck follows from.
func (v *fleetView) limits(ctx context.Context, r *batchRecord, w *batchWork, beats []fleet.Beat) (limitFacts, error) {
	f := limitFacts{
		wait: w.wait, waitUntil: w.waitUntil, waitDetail: w.waitDetail,
		queued: w.queued, running: w.running + w.unknown, stored: w.storing,
		blocked: make(map[job.WaitReason]float64),
	}
	if w.endless {
		f.waitUntil = time.Time{}
	}
	if own, at, detail := ownWait(r, time.Now()); own != "" {
		f.own, f.ownUntil, f.ownDetail = own, at, detail
	}
	for _, beat := range beats {
		l, there := beat.Lanes[r.order.lane()]
		if !there {
			continue
		}
		f.workers++
		f.observed += min(time.Since(beat.Started), time.Since(r.began.At), time.Minute).Seconds()
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
	return f, err
}

// keysOf is how the API keys stand that the batch uses: those that its folder names,
// with the limits of the settings where they are known here.
func (v *fleetView) keysOf(ctx context.Context, r *batchRecord) ([]keyStatus, error) {
	state, err := readState(ctx, v.bucket, r.batch)
	if err != nil || state == nil {
		return nil, err
	}
	rules := &config.Keys{Teams: map[string]config.Limits{"": {Parallel: v.settings.Parallel}}}
	if v.settings.KeysFile != "" {
		if known, err := config.ReadKeys(v.settings.KeysFile, v.process.Environ); err == nil {
			rules = known
		}
	}
	own := rules.Pools[poolOf(r.order)]
	g := &gate{
		admission: v.admission, requests: v.settings.RequestsPerMinute,
		keys: &keyring{rules: rules, keys: map[string]*ringKey{}, worlds: state.Keys},
	}
	var all []keyStatus
	now := time.Now()
	for id, world := range state.Keys {
		key := &ringKey{APIKey: config.APIKey{ID: id, Mode: r.order.Mode, Project: world.Project, Team: world.Team}}
		for _, known := range own {
			if known.ID == id {
				key.Limits = known.Limits
			}
		}
		candidate := g.candidate(key, now)
		usage, err := v.admission.Usage(ctx, candidate...)
		if err != nil {
			return nil, err
		}
		all = append(all, statusOf(key, r.order.Pool, candidate, usage))
	}
	return all, nil
}

func poolOf(o *order) string {
	if o.Pool == "" {
		return config.DefaultPool
	}
	return o.Pool
}
