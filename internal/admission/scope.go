package admission

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

const (
	// ceilingKept is how long a ceiling that the provider named is believed.
	ceilingKept = 24 * time.Hour
	// guessKept is how long a ceiling is believed that nobody named.
	guessKept = 10 * time.Minute
)

// Cooldown grants nothing in a scope for the next d: to submits of the key for
// cooldown, allowance, quarantine and backoff, to all requests of the project for
// request_rate. The later end of an old and a new one stands. Other reasons are
// an error.
func (a *Admission) Cooldown(ctx context.Context, s Scope, reason job.WaitReason, d time.Duration) error {
	key := a.keys.keyHold(s.APIKey)
	switch reason {
	case job.WaitRequestRate:
		key = a.keys.projectHold(s.Project)
	case job.WaitCooldown, job.WaitAllowance, job.WaitQuarantine, job.WaitBackoff:
	default:
		return fmt.Errorf("pause key %q: %q is not a reason to", s.APIKey, reason)
	}
	if _, err := a.run(ctx, cooldownScript, []string{key}, reasonCode(reason), ceilMilliseconds(d)); err != nil {
		return fmt.Errorf("pause key %q for %q: %w", s.APIKey, reason, err)
	}
	return nil
}

// LearnCeiling takes note of how many jobs of the team may run, from a refusal.
// 0 says that the provider gave no number: the number running now is taken for
// it, or one less than was learned before, since that was refused too. It may be
// called before or after the refused job's Release.
func (a *Admission) LearnCeiling(ctx context.Context, s Scope, ceiling int) error {
	_, err := a.run(ctx, learnScript, []string{a.keys.ceiling(s.Team), a.keys.slots(s.Team)},
		max(0, ceiling), ceilingKept.Milliseconds(), guessKept.Milliseconds())
	if err != nil {
		return fmt.Errorf("learn ceiling of team %q: %w", s.Team, err)
	}
	return nil
}

// Spend tells what earlier runs of a batch have spent, from its results log: in
// all, and of that through the scope's key. What is counted is raised to these
// amounts and never lowered. It works once for each batch and key in a life of
// this Redis, so call it before the batch's first Reserve, with a whole log.
func (a *Admission) Spend(ctx context.Context, s Scope, batchTotal, keyTotal job.CU) error {
	_, err := a.run(ctx, spendScript, []string{a.keys.keyCU(s.APIKey), a.keys.batchCU(s.Batch)},
		s.APIKey, int64(batchTotal), int64(keyTotal))
	if err != nil {
		return fmt.Errorf("seed spend of batch %q: %w", s.Batch, err)
	}
	return nil
}

// ceilMilliseconds never shortens a wait.
func ceilMilliseconds(d time.Duration) int64 {
	return int64((max(0, d) + time.Millisecond - 1) / time.Millisecond)
}
