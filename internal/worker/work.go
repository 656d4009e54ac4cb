package worker

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/report"
)

const (
	requestsOf = "requests:" // before an operation
	waitedFor  = "waited:"   // before a reason; in milliseconds
)

// workCounts are what this worker did for batches and has not yet told Redis. Requests
// and waits of a lane count for each batch that the lane works on at the time: a list that
// is read for two batches is one request of each.
type workCounts struct {
	mu     sync.Mutex
	counts map[string]map[string]int64 // by batch
	waited map[*lane]map[job.WaitReason]time.Duration
}

func newWorkCounts() *workCounts {
	return &workCounts{counts: make(map[string]map[string]int64), waited: make(map[*lane]map[job.WaitReason]time.Duration)}
}

// count adds to a count of some batches.
func (c *workCounts) count(batches []string, name string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, batch := range batches {
		if c.counts[batch] == nil {
			c.counts[batch] = make(map[string]int64)
		}
		c.counts[batch][name] += n
	}
}

// Add counts requests that were made for a batch before the worker worked on it.
func (c *workCounts) Add(batch string, requests *pool.RequestCounts) {
	_, by := requests.Snapshot()
	for op, n := range by {
		c.count([]string{batch}, requestsOf+op, n)
	}
}

// take takes the counts of a batch out.
func (c *workCounts) take(batch string) map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.counts[batch]
	delete(c.counts, batch)
	return taken
}

// stoodStill is for how long a lane stood still since this was last asked, by reason.
func (c *workCounts) stoodStill(l *lane, total map[job.WaitReason]time.Duration) map[job.WaitReason]time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	more := make(map[job.WaitReason]time.Duration)
	for reason, d := range total {
		if d > c.waited[l][reason] {
			more[reason] = d - c.waited[l][reason]
		}
	}
	c.waited[l] = maps.Clone(total)
	return more
}

// batchesIn are the batches that a lane works on.
func (w *Worker) batchesIn(l *lane) []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var batches []string
	for batch, held := range w.batches {
		if held.lane == l {
			batches = append(batches, batch)
		}
	}
	return batches
}

// writeWork adds what this worker did for a batch to what the others did.
func (w *Worker) writeWork(ctx context.Context, held *knownBatch) error {
	if e := held.lane.engine.Load(); e != nil {
		for reason, d := range w.Requests.stoodStill(held.lane, e.runner.Waits().Total) {
			w.Requests.count(w.batchesIn(held.lane), waitedFor+string(reason), d.Milliseconds())
		}
	}
	counts := w.Requests.take(held.Batch)
	err := w.fleet.AddWork(ctx, held.Batch, held.submission.ID, counts)
	if err != nil { // they are told next time
		for name, n := range counts {
			w.Requests.count([]string{held.Batch}, name, n)
		}
	}
	return err
}

// workDone adds to a report what all workers did for the submission.
func (w *Worker) workDone(ctx context.Context, held *knownBatch, report *report.Report) error {
	if err := w.writeWork(ctx, held); err != nil {
		return err
	}
	counts, err := w.fleet.Work(ctx, held.Batch, held.submission.ID)
	if err != nil {
		return err
	}
	report.WaitedSeconds = make(map[job.WaitReason]float64)
	report.Requests.ByOperation = make(map[string]int64)
	for name, n := range counts {
		if op, is := strings.CutPrefix(name, requestsOf); is {
			report.Requests.ByOperation[op] = n
			report.Requests.Total += n
		} else if reason, is := strings.CutPrefix(name, waitedFor); is {
			report.WaitedSeconds[job.WaitReason(reason)] = (time.Duration(n) * time.Millisecond).Seconds()
		}
	}
	return nil
}
