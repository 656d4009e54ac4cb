package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/admission"
	"nightshift/internal/app"
	"nightshift/internal/backoff"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/pool"
)

// keysAtOnce is how many keys are tried at the same time.
const keysAtOnce = 8

// checkKeys finds out by free requests, with each API key, whether it and the others may
// do what a run needs.
func (w *Worker) checkKeys(ctx context.Context) []finding {
	rules, keys, pools, err := pool.EveryKey(w.settings, w.process.Environ)
	if err != nil {
		return []finding{{what: "API keys", err: err}}
	}
	if w.settings.KeysFile == "" && w.settings.URL == "" && w.settings.Key == "" {
		return []finding{{what: "API keys", err: &job.HintedError{
			Err:  errors.New("there is none"),
			Hint: "name a keys file in NIGHTSHIFT_KEYS, or a key in " + config.KeyVariable + ", or a simulator in " + config.URLVariable,
		}}}
	}
	checks := make([]pool.KeyCheck, len(keys))
	var trying errgroup.Group
	trying.SetLimit(keysAtOnce)
	for i, key := range keys {
		trying.Go(func() error {
			checks[i] = w.tryKey(ctx, rules, key, pools[key.ID])
			return nil
		})
	}
	_ = trying.Wait() // what is wrong is in the checks
	found := make([]finding, len(keys))
	for i, verdict := range pool.Judge(checks) {
		key := keys[i]
		found[i] = finding{what: "API key " + key.ID, says: fmt.Sprintf("pool %s, mode %s, %s", pools[key.ID], key.Mode, pool.HostOf(key.URL))}
		found[i].warn, found[i].err = strings.Join(verdict.Warnings, "\n      "), verdict.Err
		if verdict.Err == nil {
			found[i].refusedOrAway(checks[i].Err)
		}
	}
	spareRefused(found, checks)
	return found
}

// spareRefused makes a warning of a key that the API refuses where another of its pool is
// taken: a worker that is started anew in the night works on with that one.
func spareRefused(found []finding, checks []pool.KeyCheck) {
	works := make(map[string]bool)
	for i, f := range found {
		works[checks[i].Pool] = works[checks[i].Pool] || f.err == nil
	}
	for i := range found {
		f := &found[i]
		if _, refused := errors.AsType[*job.AccessError](checks[i].Err); refused && f.err != nil && works[checks[i].Pool] {
			f.warn, f.err = f.err.Error()+"; other keys of its pool take its jobs; "+job.Hint(f.err), nil
		}
	}
}

// refusedOrAway says that the API refused a key altogether, or could not be asked.
func (f *finding) refusedOrAway(err error) {
	if err == nil {
		return
	}
	if access, refused := errors.AsType[*job.AccessError](err); refused {
		f.err = &job.HintedError{Err: fmt.Errorf("the API refused it or its secret (%s)", access.Detail), Hint: "put a valid key in its place"}
		return
	}
	if wrong, cannotOpen := errors.AsType[*openError](err); cannotOpen {
		f.err = wrong.error
		return
	}
	if postponed, ok := errors.AsType[*job.PostponedError](err); ok && postponed.Reason == job.WaitRequestRate {
		f.warn = "it was not asked whether the key may do all that is needed: the request rate is used up"
		return
	}
	f.warn = "the API does not answer at the moment: " + err.Error()
}

// openError is a key with which no client can be made.
type openError struct{ error }

// tryKey asks with one key of a pool. Keys of two modes of a pool are two pools.
func (w *Worker) tryKey(ctx context.Context, rules *config.Keys, key config.APIKey, of string) (check pool.KeyCheck) {
	place := pool.Place(rules, key, w.settings.RequestsPerMinute)
	if key.URL == "" {
		key.URL = config.LiveURL
	}
	check.ID, check.Pool, check.Origin = key.ID, of+" "+string(key.Mode), pool.OriginOf(key)
	account, err := app.OpenProvider(key, app.ProviderOptions{Transport: w.process.Transport})
	if err != nil {
		check.Err = &openError{err}
		return check
	}
	defer account.Close()
	check.Missing, check.Err = app.Check(ctx, account, func(ctx context.Context) error { return w.awaitPlace(ctx, place) })
	return check
}

// placeTime is how long a check waits for a place in the request rate. Workers that are
// restarted while it is used up do not wait for the minute to be over, nor send beyond it.
const placeTime = 5 * time.Second

// awaitPlace waits for a place in the request rate, where it is known who else uses it.
func (w *Worker) awaitPlace(ctx context.Context, place admission.Candidate) error {
	if w.admission == nil {
		return nil
	}
	for until := time.Now().Add(placeTime); ; {
		err := w.admission.Request(ctx, place)
		postponed, waits := errors.AsType[*job.PostponedError](err)
		if !waits || time.Now().Add(postponed.After).After(until) {
			return err
		}
		if err := backoff.Sleep(ctx, postponed.After); err != nil {
			return err
		}
	}
}
