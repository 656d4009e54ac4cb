package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/worker"
)

// checkKeys finds out by a free request with each key, before anything is paid,
// whether it can see what it will start: a key that may submit and not list would
// pay for what nobody can find again. Keys that the API refuses altogether are set
// aside, as long as there is another.
func (o *session) checkKeys(ctx context.Context, tell func(string)) error {
	good := 0
	var refused error
	for _, key := range o.api.Keys.Usable(nil) {
		if err := o.limiter.PaceKey(ctx, key.ID); err != nil {
			return err
		}
		err := app.Check(ctx, key.Account)
		access, ok := errors.AsType[*job.AccessError](err)
		switch {
		case !ok: // what else goes wrong may pass
			good++
			if err := o.limiter.Admission.Lift(ctx, o.limiter.Account(key.ID)); err != nil {
				return err
			}
		case access.Access == job.AccessKey:
			refused = err
			o.api.Keys.Refuse(key.ID)
			tell("key " + key.ID + " is set aside: the API refused it or its secret (" + access.Detail + ")")
		default:
			return &job.InputError{Err: &job.HintedError{
				Err:  fmt.Errorf("API key %s may not read the list of inferences: %s", key.ID, access.Detail),
				Hint: "give it the scope to read jobs; without it nobody could find out what became of what it pays for",
			}}
		}
	}
	if good == 0 {
		return refused
	}
	return nil
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
