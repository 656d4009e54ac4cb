package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/pool"
)

// checkNeverLive refuses an API key to a test batch with which live batches were made: the
// environment does not say of a key what it is for, the folders do.
func (o *session) checkNeverLive(ctx context.Context) error {
	if o.manifest.Mode != job.Test || o.api.BuiltIn {
		return nil
	}
	batches, err := batch.BatchesOf(ctx, o.Bucket)
	if err != nil {
		return err
	}
	for _, id := range batches {
		if strings.HasPrefix(id, batch.TestFolder+"/") {
			continue
		}
		state, err := batch.ReadState(ctx, o.Bucket, id)
		if errors.Is(err, job.ErrDamaged) {
			continue // whoever works on that batch is told
		}
		if err != nil {
			return err
		}
		for _, key := range o.api.Keys.Usable(nil) {
			if state != nil && state.Mode == job.Live && key.Key != pool.SimulatorWord && usedIn(state, key.Origin().Fingerprint) {
				return &job.InputError{Err: &job.HintedError{
					Err:  fmt.Errorf("the batch is of mode test, and API key %s is the one with which the live batch %s was made", key.ID, id),
					Hint: "give test batches a key of their own, such as that of a simulator",
				}}
			}
		}
	}
	return nil
}

// usedIn reports whether a credential was used in a batch.
func usedIn(state *batch.State, fingerprint string) bool {
	for _, origin := range state.Keys {
		if origin.Fingerprint == fingerprint {
			return true
		}
	}
	return false
}
