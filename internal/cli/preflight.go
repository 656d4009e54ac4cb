package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/worker"
)

// checkKeys finds out by free requests with each key, before anything is paid, whether
// the keys may do what a run needs: one that may submit and not read would pay for what
// nobody can find or fetch again. Keys that the API refuses altogether are set aside, as
// long as there is another.
func (o *session) checkKeys(ctx context.Context, tell func(string)) error {
	if o.api.BuiltIn { // its one key may do everything
		return nil
	}
	var checks []pool.KeyCheck
	var refused error
	for _, key := range o.api.Keys.Usable(nil) {
		check, err := o.checkKey(ctx, key)
		if err != nil {
			return err
		}
		if access, ok := errors.AsType[*job.AccessError](check.Err); ok && access.Access == job.AccessKey {
			refused = check.Err
			o.api.Keys.Refuse(key.ID)
			tell("key " + key.ID + " is set aside: the API refused it or its secret (" + access.Detail + ")")
			continue
		}
		checks = append(checks, check)
	}
	if len(checks) == 0 {
		return refused
	}
	var wrong []error
	for i, verdict := range pool.Judge(checks) {
		for _, warning := range verdict.Warnings {
			tell("API key " + checks[i].ID + ": " + warning)
		}
		if verdict.Err != nil {
			wrong = append(wrong, &job.HintedError{Err: fmt.Errorf("API key %s: %w", checks[i].ID, verdict.Err), Hint: job.Hint(verdict.Err)})
		}
	}
	if len(wrong) > 0 {
		return &job.InputError{Err: errors.Join(wrong...)}
	}
	return nil
}

// lacking says of an error of planning for a missing scope what else the keys lack, or
// that their project is wrong.
func (o *session) lacking(ctx context.Context, err error) error {
	if _, scope := errors.AsType[*job.ScopeError](err); !scope {
		return err
	}
	found := o.checkKeys(ctx, func(string) {})
	if _, wrong := errors.AsType[*job.InputError](found); wrong {
		return found
	}
	return err
}

// checkKey asks with one key. What goes wrong beside a refusal may pass.
func (o *session) checkKey(ctx context.Context, key *pool.Key) (pool.KeyCheck, error) {
	check := pool.KeyCheck{ID: key.ID, Origin: key.Origin()}
	var unpaced error
	check.Missing, check.Err = app.Check(ctx, key.Account, func(ctx context.Context) error {
		unpaced = o.limiter.PaceKey(ctx, key.ID)
		return unpaced
	})
	if unpaced != nil {
		return check, unpaced
	}
	o.api.Keys.Lacks(key.ID, check.Missing)
	if _, refused := errors.AsType[*job.AccessError](check.Err); refused {
		return check, nil
	}
	return check, o.limiter.Admission.Lift(ctx, o.limiter.Account(key.ID))
}

// checkOrigin refuses a batch of which requests are open that no API key of this command
// can see: they would be paid again.
func (o *session) checkOrigin(ctx context.Context) error {
	if o.state == nil {
		return nil
	}
	t := &worker.Recovery{
		Folder: o.Folder, Name: o.manifest.Name, Limiter: o.limiter, Keys: o.api.Keys, Before: o.state.Keys,
		Gone: o.simulatorGoneBefore(),
	}
	left, err := t.Unfinished(ctx)
	if err != nil {
		return err
	}
	return t.CheckOrigin(ctx, left)
}

// simulatorGoneBefore is before when what was sent ran on a simulator that ended with its process.
func (o *session) simulatorGoneBefore() time.Time {
	if o.api.BuiltIn && batch.OnBuiltIn(o.state.Keys) {
		return o.started
	}
	return time.Time{}
}
