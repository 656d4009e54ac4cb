package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/pool"
	"nightshift/internal/text"
)

// keysTick is how often the keys file is looked at.
const keysTick = 2 * time.Second

// watchKeys lets changes of the keys file take effect while the worker works. A file
// that is broken is told, and what it said before stays in force.
func (w *Worker) watchKeys(ctx context.Context) {
	first, err := config.ReadKeys(w.KeysFile, w.process.Environ)
	if err != nil { // it was good when the worker was started; the next look tells
		first = &config.Keys{}
	}
	config.WatchKeys(ctx, w.KeysFile, w.process.Environ, first, keysTick,
		func(keys *config.Keys) bool { return w.reload(ctx, keys) },
		func(err error) {
			w.Logger.ErrorContext(ctx, "keys file not read, the old one stays in force", "err", err)
			w.Observer.tell("keys file not read, the old one stays in force: " + err.Error())
		})
}

// errNotNoted says that a batch's folder could not be told of the keys.
var errNotNoted = errors.New("its batches could not be told")

// reload takes over a new content of the keys file in all lanes. It reports false where
// that failed for a reason that passes: it has to be tried again, or a key that was
// removed and a cap that was lowered would go on as before.
func (w *Worker) reload(ctx context.Context, keys *config.Keys) (done bool) {
	done = true
	for _, l := range w.laneList() {
		err := w.reloadLane(ctx, l, keys)
		if errors.Is(err, errNotNoted) {
			w.Logger.WarnContext(ctx, "keys file not taken over yet, trying again", "lane", l.name, "err", err)
			w.Observer.tell("keys file not taken over yet, trying again: " + err.Error())
			done = false
			continue
		}
		if err != nil {
			w.Logger.ErrorContext(ctx, "keys file not taken over, the old one stays in force", "lane", l.name, "err", err)
			w.Observer.tell("keys file not taken over, the old one stays in force: " + err.Error())
			continue
		}
		used := len(l.api.Keys.Usable(nil))
		w.Logger.InfoContext(ctx, "keys file taken over", "lane", l.name, "keys", used)
		w.Observer.tell("keys file taken over: " + text.Count(used, "key") + " in use")
	}
	return done
}

// reloadLane lets a lane use the keys that the file gives its pool now. Where jobs may
// be sent with a new key is noted in the folders of its batches before any is.
func (w *Worker) reloadLane(ctx context.Context, l *lane, keys *config.Keys) error {
	pool, missing := keys.Pool(l.pool, l.mode)
	if missing != nil {
		pool = nil // no new jobs are sent until it has one
	}
	for _, batch := range w.knownList() {
		held := w.known(batch)
		if held == nil || held.lane != l {
			continue
		}
		if err := w.noteKeys(ctx, held, pool); err != nil {
			return fmt.Errorf("%w: %w", errNotNoted, err)
		}
	}
	renewed, err := l.api.Keys.Replace(keys, pool)
	if err != nil {
		return errors.Join(missing, err)
	}
	for _, id := range renewed {
		if err := w.admission.Lift(ctx, l.limiter.Account(id)); err != nil {
			w.Logger.WarnContext(ctx, "key has a new credential and stays paused", "api_key", id, "err", err)
		}
	}
	w.wakeLane(ctx, l)
	return missing
}

// wakeLane lets the lane's jobs that wait for a limit ask again now.
func (w *Worker) wakeLane(ctx context.Context, l *lane) {
	e := l.engine.Load()
	if e == nil {
		return
	}
	if err := e.queue.WakeLane(ctx); err != nil && ctx.Err() == nil {
		w.Logger.WarnContext(ctx, "waiting jobs not woken, they come back at their own time", "lane", l.name, "err", err)
	}
}

// noteKeys notes in a batch's folder with which keys its jobs are, were or are about
// to be sent.
func (w *Worker) noteKeys(ctx context.Context, held *knownBatch, keys []config.APIKey) error {
	state, err := batch.ReadState(ctx, w.Bucket, held.Batch)
	if err != nil {
		return err
	}
	next := batch.State{Batch: held.submission.Name, Mode: held.submission.Mode, Source: held.submission.Source, Keys: held.lane.api.Keys.AllOrigins(), Created: time.Now().UTC()}
	if state != nil {
		next.Created = state.Created
	}
	for _, key := range keys {
		if _, known := next.Keys[key.ID]; !known {
			next.Keys[key.ID] = pool.OriginOf(key)
		}
	}
	return batch.WriteState(ctx, w.Bucket, held.Batch, &next)
}
