package admission

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

// LiveGrant is a grant that is neither settled nor released.
type LiveGrant struct {
	Attempt
	Amount job.CU // reserved
}

// Live returns the live grants of a batch, in no order. One that comes or goes meanwhile
// may be among them or not.
func (a *Admission) Live(ctx context.Context, batch string) ([]LiveGrant, error) {
	grants, err := a.live(ctx, batch)
	if err != nil {
		return nil, fmt.Errorf("read the grants of batch %q: %w", batch, err)
	}
	return grants, nil
}

// Granted reports whether an attempt holds a grant. The error is Redis'.
func (a *Admission) Granted(ctx context.Context, ref job.Ref, attempt int) (bool, error) {
	there, err := a.redis.Exists(ctx, a.keys.grant(owner(ref, attempt))).Result()
	if err != nil {
		return false, fmt.Errorf("look for the grant of job %s attempt %d: %w", ref, attempt, err)
	}
	return there > 0, nil
}

func (a *Admission) live(ctx context.Context, batch string) ([]LiveGrant, error) {
	owners, err := a.redis.SMembers(ctx, a.keys.live(batch)).Result()
	if err != nil || len(owners) == 0 {
		return nil, err
	}
	pipe := a.redis.Pipeline()
	read := make([]*redis.MapStringStringCmd, len(owners))
	for i, owner := range owners {
		read[i] = pipe.HGetAll(ctx, a.keys.grant(owner))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	var grants []LiveGrant
	for i, owner := range owners {
		ref, attempt, ok := parseOwner(owner)
		if !ok {
			return nil, fmt.Errorf("%q names no attempt", owner)
		}
		fields := read[i].Val()
		amount, there := fields["amount"]
		if !there {
			continue // it ended just now
		}
		in := Account{APIKey: fields[string(Key)], Project: fields[string(Project)], Team: fields[string(Team)]}
		grant := LiveGrant{Attempt: Attempt{Ref: ref, Attempt: attempt, In: in}}
		if _, err := fmt.Sscan(amount, (*int64)(&grant.Amount)); err != nil {
			return nil, fmt.Errorf("amount of grant %q: %w", owner, err)
		}
		grants = append(grants, grant)
	}
	return grants, nil
}
