package view

import (
	"context"
	"maps"
	"slices"
	"time"

	"nightshift/internal/backoff"
	"nightshift/internal/batch"
	"nightshift/internal/fleet"
)

const (
	// confirmLimit bounds how long workers are waited for: as long as it takes one to come
	// back that Redis or the bucket kept waiting, and a request to be answered.
	confirmLimit = 15 * time.Second
	confirmTick  = 100 * time.Millisecond
)

// Confirm waits until each worker that lives has confirmed what is wanted of a submission,
// and returns the names of those that have not in a bounded time. What they were sending
// is over then, or is what such a worker still does. The error is Redis'.
func (v *View) Confirm(ctx context.Context, o *batch.Submission, wanted batch.ControlState) (silent []string, err error) {
	news, err := v.Fleet.News(ctx)
	if err != nil {
		return nil, err
	}
	vanished := make(map[string]bool) // who has not confirmed and shows no sign of life: it may only stand still
	for deadline := time.Now().Add(confirmLimit); ; {
		beats, err := v.Fleet.Workers(ctx)
		if err != nil {
			return nil, err
		}
		silent = unconfirmed(beats, o, wanted, news)
		for _, beat := range beats {
			delete(vanished, beat.Worker)
		}
		if len(silent) == 0 || !time.Now().Before(deadline) {
			return append(silent, slices.Sorted(maps.Keys(vanished))...), nil
		}
		for _, name := range silent {
			vanished[name] = true
		}
		if err := backoff.Sleep(ctx, confirmTick); err != nil {
			return silent, err
		}
	}
}

// unconfirmed are the workers that have not read the news, or still act on something else
// that was wanted of the submission. One that does not know the submission starts none of
// its jobs.
func unconfirmed(beats []fleet.Heartbeat, o *batch.Submission, wanted batch.ControlState, news int64) []string {
	var silent []string
	for _, beat := range beats {
		version, knows := beat.Versions[o.Batch]
		if beat.News < news || knows && version != o.Version(wanted) {
			silent = append(silent, beat.Worker)
		}
	}
	return silent
}
