package worker

import (
	"context"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// stored passes a recorded result on.
func (w *Worker) stored(batch string, result job.Result) {
	w.metrics.JobEnded(result)
	w.pace.add(batch, len(result.Images), time.Now())
	w.Observer.hasStored(result)
	w.mu.Lock()
	delete(w.blockages, batch)
	w.mu.Unlock()
}

// tellAgain is after how long the same trouble is told again.
const tellAgain = time.Minute

// loggedTroubles are what was told lately, so that a hundred jobs with one trouble are
// one line.
type loggedTroubles struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// again reports whether a trouble is to be told now.
func (t *loggedTroubles) again(trouble string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.last[trouble]) < tellAgain {
		return false
	}
	if t.last == nil || len(t.last) > 100 {
		t.last = make(map[string]time.Time)
	}
	t.last[trouble] = now
	return true
}

// overQuote pauses a batch when a bill is further above its quote than its manifest
// allows: the prices that the plan was agreed on no longer hold.
func (w *Worker) overQuote(ref job.Ref, row string, quote, billed job.CU) {
	held := w.known(ref.Batch)
	if held == nil || !held.submission.Rules.Drift.Exceeded(quote, billed) || held.control.Closed() != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), app.PingTime)
	defer cancel()
	c := batch.Control{
		State: batch.ControlPause, Guard: true,
		Why: "row " + row + " was billed " + billed.String() + " CU and quoted " + quote.String() +
			", more than budget.drift of the manifest allows",
		Hint: "look at the prices with enqueue plan; to accept them, raise budget.drift, or enqueue resume",
	}
	w.Observer.isBlocked(*c.Blockage())
	err := batch.WriteControl(ctx, w.Bucket, held.submission, c)
	if err == nil {
		err = w.fleet.Announce(ctx)
	}
	if err != nil {
		w.Logger.Error("batch not paused though its prices rose", "batch_id", ref.Batch, "err", err)
	}
}
