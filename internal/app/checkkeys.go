package app

import (
	"context"
	"errors"
	"fmt"

	"nightshift/internal/job"
)

// checkKeys finds out by a free request with each key, before anything is paid,
// whether it can see what it will start: a key that may submit and not list would
// pay for what nobody can find again. Keys that the API refuses altogether are set
// aside, as long as there is another.
func (r *batchRun) checkKeys(ctx context.Context) error {
	good := 0
	var refused error
	for _, key := range r.api.keys.usable(nil) {
		if err := r.gate.paceKey(ctx, key.ID); err != nil {
			return err
		}
		_, _, err := key.client.Inferences(ctx, "", 1)
		access, ok := errors.AsType[*job.AccessError](err)
		switch {
		case !ok: // what else goes wrong may pass
			good++
			if err := r.gate.admission.Lift(ctx, r.gate.account(key.ID)); err != nil {
				return err
			}
		case access.Access == job.AccessKey:
			refused = err
			r.api.keys.refuse(key.ID)
			r.display.note("key " + key.ID + " is set aside: the API refused it or its secret (" + access.Detail + ")")
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
