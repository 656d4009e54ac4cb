package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/text"
)

// keysTick is how often the keys file is looked at.
const keysTick = 2 * time.Second

// watchKeys lets changes of the keys file take effect while the worker works. A file
// that is broken is told, and what it said before stays in force.
func (w *worker) watchKeys(ctx context.Context) {
	first, err := config.ReadKeys(w.keysFile, w.process.Environ)
	if err != nil { // it was good when the worker was started; the next look tells
		first = &config.Keys{}
	}
	config.WatchKeys(ctx, w.keysFile, w.process.Environ, first, keysTick,
		func(keys *config.Keys) bool { return w.reload(ctx, keys) },
		func(err error) {
			w.logger.ErrorContext(ctx, "keys file not read, the old one stays in force", "err", err)
			w.observer.tell("keys file not read, the old one stays in force: " + err.Error())
		})
}

// errNotNoted says that a batch's folder could not be told of the keys.
var errNotNoted = errors.New("its batches could not be told")

// reload takes over a new content of the keys file in all lanes. It reports false where
// that failed for a reason that passes: it has to be tried again, or a key that was
// removed and a cap that was lowered would go on as before.
func (w *worker) reload(ctx context.Context, keys *config.Keys) (done bool) {
	done = true
	for _, l := range w.laneList() {
		err := w.reloadLane(ctx, l, keys)
		if errors.Is(err, errNotNoted) {
			w.logger.WarnContext(ctx, "keys file not taken over yet, trying again", "lane", l.name, "err", err)
			w.observer.tell("keys file not taken over yet, trying again: " + err.Error())
			done = false
			continue
		}
		if err != nil {
			w.logger.ErrorContext(ctx, "keys file not taken over, the old one stays in force", "lane", l.name, "err", err)
			w.observer.tell("keys file not taken over, the old one stays in force: " + err.Error())
			continue
		}
		used := len(l.api.keys.usable(nil))
		w.logger.InfoContext(ctx, "keys file taken over", "lane", l.name, "keys", used)
		w.observer.tell("keys file taken over: " + text.Count(used, "key") + " in use")
	}
	return done
}

// reloadLane lets a lane use the keys that the file gives its pool now. Where jobs may
// be sent with a new key is noted in the folders of its batches before any is.
func (w *worker) reloadLane(ctx context.Context, l *lane, keys *config.Keys) error {
	pool, missing := keys.Pool(l.pool, l.mode)
	if missing != nil {
		pool = nil // no new jobs are sent until it has one
	}
	for _, batch := range w.heldList() {
		held := w.held(batch)
		if held == nil || held.lane != l {
			continue
		}
		if err := w.noteKeys(ctx, held, pool); err != nil {
			return fmt.Errorf("%w: %w", errNotNoted, err)
		}
	}
	renewed, err := l.api.keys.replace(keys, pool)
	if err != nil {
		return errors.Join(missing, err)
	}
	for _, id := range renewed {
		if err := w.admission.Lift(ctx, l.gate.account(id)); err != nil {
			w.logger.WarnContext(ctx, "key has a new credential and stays paused", "api_key", id, "err", err)
		}
	}
	w.wakeLane(ctx, l)
	return missing
}

// wakeLane lets the lane's jobs that wait for a limit ask again now.
func (w *worker) wakeLane(ctx context.Context, l *lane) {
	e := l.engine.Load()
	if e == nil {
		return
	}
	if err := e.queue.WakeLane(ctx); err != nil && ctx.Err() == nil {
		w.logger.WarnContext(ctx, "waiting jobs not woken, they come back at their own time", "lane", l.name, "err", err)
	}
}

// noteKeys notes in a batch's folder with which keys its jobs are, were or are about
// to be sent.
func (w *worker) noteKeys(ctx context.Context, held *heldBatch, pool []config.APIKey) error {
	state, err := readState(ctx, w.bucket, held.batch)
	if err != nil {
		return err
	}
	next := batchState{Batch: held.order.Name, Mode: held.order.Mode, Keys: held.lane.api.keys.allWorlds(), Created: time.Now().UTC()}
	if state != nil {
		next.Created = state.Created
	}
	for _, key := range pool {
		if _, known := next.Keys[key.ID]; !known {
			next.Keys[key.ID] = worldOf(key)
		}
	}
	return writeState(ctx, w.bucket, held.batch, &next)
}
