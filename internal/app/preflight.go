package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// checkKeys finds out by a free request with each key, before anything is paid,
// whether it can see what it will start: a key that may submit and not list would
// pay for what nobody can find again. Keys that the API refuses altogether are set
// aside, as long as there is another.
func (o *session) checkKeys(ctx context.Context, tell func(string)) error {
	good := 0
	var refused error
	for _, key := range o.api.keys.usable(nil) {
		if err := o.gate.paceKey(ctx, key.ID); err != nil {
			return err
		}
		err := check(ctx, key.account)
		access, ok := errors.AsType[*job.AccessError](err)
		switch {
		case !ok: // what else goes wrong may pass
			good++
			if err := o.gate.admission.Lift(ctx, o.gate.account(key.ID)); err != nil {
				return err
			}
		case access.Access == job.AccessKey:
			refused = err
			o.api.keys.refuse(key.ID)
			tell("key " + key.ID + " is set aside: the API refused it or its secret (" + access.Detail + ")")
		default:
			return &inputError{&job.HintedError{
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

// sameWorld refuses a batch of which requests are open that no API key of this command
// can see: they would be paid again.
func (o *session) sameWorld(ctx context.Context) error {
	if o.state == nil {
		return nil
	}
	t := &recovery{
		folder: o.folder, name: o.manifest.Name, gate: o.gate, keys: o.api.keys, before: o.state.Keys,
		gone: o.goneBefore(),
	}
	left, err := t.unfinished(ctx)
	if err != nil {
		return err
	}
	return t.sameWorld(ctx, left)
}

// goneBefore is before when what was sent ran on a simulator that ended with its process.
func (o *session) goneBefore() time.Time {
	if o.api.builtIn && onBuiltIn(o.state.Keys) {
		return o.started
	}
	return time.Time{}
}
