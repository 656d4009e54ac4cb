package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Claim says which bucket a fleet works on.
type Claim struct {
	Identity string `json:"identity"` // of the bucket, from an object in it
	Bucket   string `json:"bucket"`   // where it is, for people
}

// Claims are those of all fleets on one Redis.
type Claims struct{ redis redis.UniversalClient }

// NewClaims returns the claims on a Redis. It uses the client and never closes it.
func NewClaims(client redis.UniversalClient) *Claims { return &Claims{client} }

// Key is the Redis key of a claim, for people.
func (c *Claims) Key(fleet string) string { return "ns:fleet:" + fleet }

// Claim makes a fleet work on a bucket unless it works on one already, and returns the
// claim that holds: who has it first keeps it. The error is Redis'.
func (c *Claims) Claim(ctx context.Context, fleet string, wanted Claim) (Claim, error) {
	text, err := json.Marshal(wanted)
	if err != nil {
		return Claim{}, err
	}
	for {
		set, err := c.redis.SetNX(ctx, c.Key(fleet), text, 0).Result()
		if err != nil {
			return Claim{}, fmt.Errorf("claim fleet %q: %w", fleet, err)
		}
		if set {
			return wanted, nil
		}
		holder, err := c.Holder(ctx, fleet)
		if err != nil || holder != (Claim{}) { // else Redis was just emptied
			return holder, err
		}
	}
}

// Holder is the claim of a fleet; zero if there is none. The error is Redis'.
func (c *Claims) Holder(ctx context.Context, fleet string) (holder Claim, err error) {
	held, err := c.redis.Get(ctx, c.Key(fleet)).Bytes()
	if errors.Is(err, redis.Nil) {
		return holder, nil
	}
	if err == nil {
		err = json.Unmarshal(held, &holder)
	}
	if err != nil {
		return holder, fmt.Errorf("read who is fleet %q: %w", fleet, err)
	}
	return holder, nil
}
