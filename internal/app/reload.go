package app

import (
	"context"
	"sync"
	"time"

	"nightshift/internal/config"
)

// keysTick is how often the keys file is looked at.
const keysTick = 2 * time.Second

// watchKeys lets changes of the keys file take effect while the batch runs, until
// stop is called: new keys are used, changed limits hold, removed keys take no new
// jobs. A file that is broken is told, and what it said before stays in force.
func (r *batchRun) watchKeys(ctx context.Context, environ []string) (stop func()) {
	if !r.api.fromFile {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		config.WatchKeys(ctx, r.settings.KeysFile, environ, r.api.keys.limits(), keysTick,
			func(keys *config.Keys) bool { return r.reload(ctx, keys) },
			func(err error) { r.display.note("keys file not read, the old one stays in force: " + err.Error()) })
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

// reload takes over a new content of the keys file. Where jobs may be sent with a
// new key is noted in the folder before any is. It reports false where that failed, and
// has to be tried again.
func (r *batchRun) reload(ctx context.Context, keys *config.Keys) (done bool) {
	pool, err := keys.Pool(r.manifest.Pool, r.manifest.Mode)
	if err != nil {
		r.display.note("keys file: " + err.Error() + "; no new jobs are sent until it has one")
		pool = nil
	}
	if err := r.noteWorlds(ctx, pool); err != nil {
		r.display.note("keys file not taken over yet, trying again: " + err.Error())
		return false
	}
	renewed, err := r.api.keys.replace(keys, pool)
	if err != nil {
		r.display.note("keys file not taken over, the old one stays in force: " + err.Error())
		return true
	}
	for _, id := range renewed {
		if err := r.gate.admission.Lift(ctx, r.gate.account(id)); err != nil {
			r.logger.WarnContext(ctx, "key has a new credential and stays paused", "api_key", id, "err", err)
		}
	}
	engine := r.current()
	if engine == nil {
		return true
	}
	r.display.note("keys file taken over: " + counted(len(pool), "key") + " in use")
	r.wakeLane(ctx, engine)
	return true
}

// wakeAgain is the time after which waiting jobs are woken a second time: one that
// asked just before a change goes to sleep just after it.
const wakeAgain = 5 * time.Second

// wakeLane lets jobs that wait for a limit ask again now.
func (r *batchRun) wakeLane(ctx context.Context, e *engine) {
	for range 2 {
		if err := e.queue.WakeLane(ctx); err != nil && ctx.Err() == nil {
			r.logger.WarnContext(ctx, "waiting jobs not woken, they come back at their own time", "err", err)
		}
		select {
		case <-time.After(wakeAgain):
		case <-ctx.Done():
			return
		}
	}
}

// noteWorlds adds to the batch's state where new keys work.
func (r *batchRun) noteWorlds(ctx context.Context, pool []config.APIKey) error {
	worlds := r.api.keys.allWorlds()
	for _, key := range pool {
		if _, known := worlds[key.ID]; !known {
			worlds[key.ID] = worldOf(key)
		}
	}
	r.api.keys.remember(worlds)
	return r.writeState(ctx)
}
