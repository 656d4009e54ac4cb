package worker

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/telemetry"
)

// heartbeat is what this worker does now.
func (w *Worker) heartbeat(ctx context.Context) fleet.Heartbeat {
	b := fleet.Heartbeat{Worker: w.name, Owner: w.member.Owner(), Version: telemetry.Version(), Started: w.started, Lanes: make(map[string]fleet.Lane)}
	b.News = w.newsRead.Load()
	b.Stored = w.pace.recent(time.Now())
	for _, l := range w.laneList() {
		if l.engine.Load() != nil {
			seen := l.snapshot(w.settings.SubmitSlots, w.settings.CollectSlots)
			if err := w.readCaps(ctx, l, &seen); err != nil && ctx.Err() == nil {
				w.Logger.DebugContext(ctx, "what the caps leave not read", "lane", l.name, "err", err)
			}
			b.Lanes[l.name] = seen
		}
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	b.Versions = make(map[string]string, len(w.batches))
	for batch, held := range w.batches {
		b.Versions[batch] = w.settledVersion(held)
	}
	b.Leads, b.Trouble = slices.Sorted(maps.Keys(w.leads)), maps.Clone(w.trouble)
	return b
}

// readCaps reads what the caps of a lane leave, if it has any. The error is Redis'.
func (w *Worker) readCaps(ctx context.Context, l *lane, seen *fleet.Lane) error {
	if !l.limiter.Capped() {
		return nil
	}
	seen.Used = make(map[string]job.CU)
	for _, batch := range w.batchesIn(l) { // before the caps: what is reserved in between counts twice rather than never
		usage, err := w.admission.Usage(ctx, admission.Scope{Kind: admission.Batch, Name: batch})
		if err != nil {
			return err
		}
		seen.Used[batch] = usage[admission.Batch].Spent + usage[admission.Batch].Reserved
	}
	var err error
	seen.Caps, err = l.limiter.Headroom(ctx)
	return err
}

// snapshot is how the lane stands.
func (l *lane) snapshot(submitSlots, storeSlots int) fleet.Lane {
	waits := l.engine.Load().runner.Waits()
	seen := fleet.Lane{
		Reason: waits.Reason, Until: waits.Until, Detail: waits.Detail, Endless: waits.NeedsOperator,
		Blocked:    l.blocked.lastMinute(waits.Total, time.Now()),
		Submitting: int(l.submitting.Load()), SubmitSlots: submitSlots,
		Storing: int(l.storing.Load()), StoreSlots: storeSlots,
	}
	if waits.NeedsOperator {
		seen.Until = time.Time{} // it is asked again then, and no more than that
	}
	return seen
}

// blockedTimes remembers for a minute how long a lane stood still, by reason.
type blockedTimes struct {
	mu   sync.Mutex
	seen []blockedAt // the oldest first
}

type blockedAt struct {
	at    time.Time
	total map[job.WaitReason]time.Duration
}

// lastMinute is how much of the last minute was lost to what, in seconds, going by
// the totals now and what they were when this was last asked.
func (b *blockedTimes) lastMinute(total map[job.WaitReason]time.Duration, now time.Time) map[job.WaitReason]float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, blockedAt{now, total})
	for len(b.seen) > 1 && now.Sub(b.seen[1].at) >= time.Minute {
		b.seen = b.seen[1:]
	}
	lost := make(map[job.WaitReason]float64)
	for reason, d := range total {
		if more := d - b.seen[0].total[reason]; more > 0 {
			lost[reason] = more.Seconds()
		}
	}
	return lost
}
