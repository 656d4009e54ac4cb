package plan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/backoff"
	"nightshift/internal/job"
)

const (
	callTimeout   = time.Minute // of one call to the provider
	callAttempts  = 5           // that end in a transient error
	rateAttempts  = 20          // that end in a refusal for the request rate
	usualCooldown = time.Minute // where the provider names no time
)

// again is how long to wait before a call is tried again.
var again = backoff.Policy{First: 500 * time.Millisecond, Longest: 15 * time.Second}

// caller makes the calls that a plan needs. All of them are free and change
// nothing on the provider's side, so each may be repeated; one that turns out to be
// paid is not.
type caller struct {
	catalog Catalog
	pace    func(context.Context) error
	waiting func(job.WaitReason, time.Duration)
}

// do runs call until it succeeds, ends in an error that a repetition does not
// change, or has been tried often enough. Refusals for the request rate and
// cooldowns are waited out.
func (c *caller) do(ctx context.Context, call func(context.Context) error) error {
	transient, limited := 0, 0
	for {
		err := c.once(ctx, call)
		if err == nil || ctx.Err() != nil {
			return err
		}
		reason, after := waitFor(err)
		switch reason {
		case "":
			return err
		case job.WaitBackoff:
			if transient++; transient == callAttempts {
				return fmt.Errorf("given up after %d attempts: %w", callAttempts, err)
			}
			after = max(after, again.After(transient))
		case job.WaitRequestRate:
			if limited++; limited == rateAttempts {
				return fmt.Errorf("given up after %d attempts: %w", rateAttempts, err)
			}
			after = max(after, again.After(limited))
		}
		if c.waiting != nil {
			c.waiting(reason, after)
		}
		if err := backoff.Sleep(ctx, after); err != nil {
			return err
		}
	}
}

func (c *caller) once(ctx context.Context, call func(context.Context) error) error {
	if c.pace != nil {
		if err := c.pace(ctx); err != nil {
			return fmt.Errorf("wait for a place in the request rate: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}

// waitFor says what a failed call waits for before it is tried again and for how
// long at least; the reason is empty where trying again does not help.
func waitFor(err error) (job.WaitReason, time.Duration) {
	if limit, ok := errors.AsType[*job.LimitError](err); ok {
		switch limit.Limit {
		case job.LimitCooldown:
			if limit.After <= 0 {
				return job.WaitCooldown, usualCooldown
			}
			return job.WaitCooldown, limit.After
		case job.LimitRate:
			return job.WaitRequestRate, limit.After
		case job.LimitParallel, job.LimitAllowance:
			return "", 0
		}
	}
	_, access := errors.AsType[*job.AccessError](err)
	_, paid := errors.AsType[*job.PaidDryRunError](err)
	_, rejected := errors.AsType[*job.RejectedError](err)
	if access || paid || rejected || errors.Is(err, job.ErrInvalid) || errors.Is(err, job.ErrNotFound) {
		return "", 0
	}
	return job.WaitBackoff, 0
}
