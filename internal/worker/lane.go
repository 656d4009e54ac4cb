package worker

import (
	"context"
	"fmt"
	"sync/atomic"

	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/runner"
)

// lane is what runs the batches of one pool of API keys in one mode.
type lane struct {
	name    string
	pool    string // of keys, as manifests name it
	mode    job.Mode
	api     *pool.API
	limiter *pool.Limiter
	engine  atomic.Pointer[engine] // of the epoch of Redis that goes on; nil outside of one

	submitting, storing atomic.Int32 // handlers at work
	blocked             blockedTimes
}

// lane returns the lane that runs a submission, which it makes if need be.
func (w *Worker) lane(o *batch.Submission) (*lane, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.lanes[o.Lane()]; l != nil {
		return l, nil
	}
	l := &lane{name: o.Lane(), pool: o.Pool, mode: o.Mode, api: w.API}
	var err error
	if l.api == nil {
		if l.api, err = pool.Connect(w.process, w.settings, o.Mode, o.Pool); err != nil {
			return nil, err
		}
	}
	if l.api.BuiltIn && w.process.Simulator == nil {
		return nil, &job.HintedError{
			Err:  fmt.Errorf("batch %s is of mode test, and this worker has no API for such batches", o.Batch),
			Hint: "name one in " + config.URLVariable + ", or give the keys file keys of mode test",
		}
	}
	l.api.Requests.Tell(func(operation string) {
		w.metrics.Request(operation)
		w.Requests.count(w.batchesIn(l), requestsOf+operation, 1)
	})
	l.limiter = &pool.Limiter{
		Admission: w.admission, Keys: l.api.Keys, Requests: w.settings.RequestsPerMinute, Rules: w.rulesOf,
		Refused: func(apiKey string) {
			w.Logger.Error("key is set aside: the API refused it or its secret", "api_key", apiKey)
			w.Observer.tell("key " + apiKey + " is set aside: the API refused it or its secret")
		},
	}
	w.lanes[l.name] = l
	return l, nil
}

// rulesOf are the rules of a batch. One that this worker does not know may start
// nothing here until it has.
func (w *Worker) rulesOf(batch string) pool.BatchRules {
	w.mu.RLock()
	defer w.mu.RUnlock()
	held := w.batches[batch]
	if held == nil {
		return pool.BatchRules{Soon: "this worker has not read its submission yet"}
	}
	return held.rules()
}

// newEngine makes the engine with which the lane works in the epoch of Redis in which
// this worker takes part. Its jobs are noted first, so that they can be found when that
// epoch is over.
func (w *Worker) newEngine(ctx context.Context, l *lane) (*engine, error) {
	pool := batch.LanePool(l.name, w.admission.Epoch())
	if err := w.fleet.AddPool(ctx, pool); err != nil {
		return nil, err
	}
	return newEngine(engineParts{
		redis: w.Redis, prefix: w.Prefix, pool: pool, member: w.member, settings: w.settings, logger: w.Logger.With("lane", l.name),
		runner: runner.Options{
			APIKeys: l.api.Keys, Admission: l.limiter, Pictures: pictures{w.uploads, l.api.Keys}, Images: timedImages{images{w.Bucket}, w.metrics.ImageStored},
			Results:       func(batch string) runner.Results { return w.shared(batch).Log },
			Attempts:      func(batch string) runner.Attempts { return w.shared(batch).Attempts },
			Decisions:     func(batch string) runner.Decisions { return w.shared(batch).questions },
			Stored:        w.stored,
			NeedsOperator: w.needsOperator,
			OverQuote:     w.overQuote,
			Outcome:       w.answered,
			Sending:       w.sending,
			Inspect:       w.thumbs.Inspect,
		},
		submitting: &l.submitting, storing: &l.storing,
	}), nil
}

// newEngines makes the engines of all lanes that have none.
func (w *Worker) newEngines(ctx context.Context) error {
	for _, l := range w.laneList() {
		if l.engine.Load() != nil {
			continue
		}
		e, err := w.newEngine(ctx, l)
		if err != nil {
			return err
		}
		l.engine.Store(e)
	}
	return nil
}

// stop stops the lane's engine.
func (l *lane) stop() {
	if e := l.engine.Load(); e != nil && e.servers != nil {
		e.stop()
	}
}
