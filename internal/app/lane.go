package app

import (
	"context"
	"fmt"
	"sync/atomic"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// lane is what runs the batches of one pool of API keys in one mode.
type lane struct {
	name   string
	pool   string // of keys, as manifests name it
	mode   job.Mode
	api    *api
	gate   *gate
	engine atomic.Pointer[engine] // of the life of Redis that goes on; nil outside of one

	submitting, storing atomic.Int32 // handlers at work
	blocked             blockedTimes
}

// laneName names the lane of a pool: "default/live".
func laneName(pool string, mode job.Mode) string {
	if pool == "" {
		pool = config.DefaultPool
	}
	return pool + "/" + string(mode)
}

// lane returns the lane that runs an order, which it makes if need be.
func (w *worker) lane(o *order) (*lane, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.lanes[o.lane()]; l != nil {
		return l, nil
	}
	l := &lane{name: o.lane(), pool: o.Pool, mode: o.Mode, api: w.api}
	var err error
	if l.api == nil {
		if l.api, err = connect(w.process, w.settings, o.Mode, o.Pool); err != nil {
			return nil, err
		}
	}
	if l.api.builtIn && w.process.simulator == nil {
		return nil, &job.HintedError{
			Err:  fmt.Errorf("batch %s is of mode test, and this worker has no API for such batches", o.Batch),
			Hint: "name one in " + config.URLVariable + ", or give the keys file keys of mode test",
		}
	}
	l.api.requests.tell(func(operation string) {
		w.metrics.Request(operation)
		w.requests.count(w.batchesIn(l), requestsOf+operation, 1)
	})
	l.gate = &gate{
		admission: w.admission, keys: l.api.keys, requests: w.settings.RequestsPerMinute, rules: w.rulesOf,
		refused: func(apiKey string) {
			w.logger.Error("key is set aside: the API refused it or its secret", "api_key", apiKey)
			w.observer.tell("key " + apiKey + " is set aside: the API refused it or its secret")
		},
	}
	w.lanes[l.name] = l
	return l, nil
}

// rulesOf are the rules of a batch. One that this worker has not heard of may start
// nothing here until it has.
func (w *worker) rulesOf(batch string) batchRules {
	w.mu.RLock()
	defer w.mu.RUnlock()
	held := w.batches[batch]
	if held == nil {
		return batchRules{paused: "this worker has not read its order yet"}
	}
	return held.rules()
}

// newEngine makes the engine with which the lane works in the life of Redis in which
// this worker takes part. Its jobs are noted first, so that they can be found when that
// life is over.
func (w *worker) newEngine(ctx context.Context, l *lane) (*engine, error) {
	pool := lanePool(l.name, w.admission.Life())
	if err := w.fleet.AddPool(ctx, pool); err != nil {
		return nil, err
	}
	return newEngine(engineParts{
		redis: w.redis, prefix: w.prefix, pool: pool, member: w.member, settings: w.settings, logger: w.logger.With("lane", l.name),
		runner: runner.Options{
			APIKeys: l.api.keys, Admission: l.gate, Images: timedImages{images{w.bucket}, w.metrics.ImageStored},
			Results:   func(batch string) runner.Results { return w.shared(batch).log },
			Attempts:  func(batch string) runner.Attempts { return w.shared(batch).attempts },
			Questions: func(batch string) runner.Questions { return w.shared(batch).questions },
			Landed:    w.landed,
			Stuck:     w.stuck,
			Dearer:    w.dearer,
			Answered:  w.answered,
		},
		submitting: &l.submitting, storing: &l.storing,
	}), nil
}

// newEngines makes the engines of all lanes that have none.
func (w *worker) newEngines(ctx context.Context) error {
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

// lanePool is the name of a lane's jobs in Redis, in one life of it. No batch can have
// it, so that a run beside the fleet never touches them. Each life has jobs of its own:
// a worker that stood still, and does not know yet that its life is over, cannot take
// anything from the life that goes on, nor add to it.
func lanePool(lane, life string) string { return "lane " + lane + " " + life }

// stop stops the lane's engine.
func (l *lane) stop() {
	if e := l.engine.Load(); e != nil && e.servers != nil {
		e.stop()
	}
}
