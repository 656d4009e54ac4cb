package admission

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// Cooldown grants nothing in part of an account for the next d: for cooldown,
// quarantine and backoff to submits of the key, for allowance to those of the key,
// or of the team where whole is set, for request_rate to all requests of the
// project. The later end of an old and a new one stands. Other reasons are an error.
func (a *Admission) Cooldown(ctx context.Context, in Account, reason job.WaitReason, whole bool, d time.Duration) error {
	kind, name := Key, in.APIKey
	switch {
	case reason == job.WaitRequestRate:
		kind, name = Project, in.Project
	case reason == job.WaitAllowance && whole:
		kind, name = Team, in.Team
	case reason == job.WaitCooldown || reason == job.WaitAllowance || reason == job.WaitQuarantine || reason == job.WaitBackoff:
	default:
		return fmt.Errorf("pause key %q: %q is not a reason to", in.APIKey, reason)
	}
	if _, err := a.run(ctx, cooldownScript, []string{a.keys.counter("hold", kind, name)}, reasonCode(reason), ceilMilliseconds(d)); err != nil {
		return fmt.Errorf("pause key %q for %q: %w", in.APIKey, reason, err)
	}
	return nil
}

// Lift ends what holds an API key or its team and only a person ends: a refused
// credential, a used-up allowance. Whoever was asked for another credential, or has
// begun again, has done something about it; the price of a mistake is one refused
// request.
func (a *Admission) Lift(ctx context.Context, in Account) error {
	_, err := a.run(ctx, liftScript, []string{a.keys.counter("hold", Key, in.APIKey), a.keys.counter("hold", Team, in.Team)},
		reasonCode(job.WaitQuarantine), reasonCode(job.WaitAllowance))
	if err != nil {
		return fmt.Errorf("lift the pause of key %q: %w", in.APIKey, err)
	}
	return nil
}

// LearnCeiling takes note of how many jobs of the team may run, from a refusal.
// 0 says that the provider gave no number: the number running now is taken for
// it, or one less than was learned before, since that was refused too. It may be
// called before or after the refused job's Release.
func (a *Admission) LearnCeiling(ctx context.Context, in Account, ceiling int) error {
	_, err := a.run(ctx, learnScript, []string{a.keys.counter("ceiling", Team, in.Team), a.keys.counter("slots", Team, in.Team)},
		max(0, ceiling))
	if err != nil {
		return fmt.Errorf("learn ceiling of team %q: %w", in.Team, err)
	}
	return nil
}

// ceilMilliseconds never shortens a wait.
func ceilMilliseconds(d time.Duration) int64 {
	return int64((max(0, d) + time.Millisecond - 1) / time.Millisecond)
}
