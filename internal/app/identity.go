package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
)

// Identify is the bucket's identity; one that has none gets the one that is wanted.
func Identify(ctx context.Context, b bucket.Objects, wanted string) (string, error) {
	id, err := bucket.ReadIdentity(ctx, b)
	if err != nil || id != "" {
		return id, err
	}
	return wanted, b.Put(ctx, bucket.IdentityKey, strings.NewReader(wanted))
}

// NewIdentity draws one for a bucket that has none.
func NewIdentity() string { return strings.ToLower(rand.Text()[:12]) }

// RedisPrefix is what all keys of a bucket begin with in Redis.
func RedisPrefix(identity string) string { return "ns:" + identity }

// ClaimFleet is [ClaimFleetAs] with an identity that is drawn.
func ClaimFleet(ctx context.Context, f *fleet.Claims, name string, b bucket.Objects) (string, error) {
	return ClaimFleetAs(ctx, f, name, b, NewIdentity())
}

// ClaimFleetAs makes sure that the fleet of this name on this Redis works on this bucket, and
// returns the bucket's identity, the one that is wanted where it has none. Of several processes that begin with an empty bucket
// and an empty Redis all get the same.
func ClaimFleetAs(ctx context.Context, f *fleet.Claims, name string, b bucket.Objects, wanted string) (string, error) {
	id, err := bucket.ReadIdentity(ctx, b)
	if err != nil {
		return "", err
	}
	ours := fleet.Claim{Identity: id, Bucket: b.Path("")}
	if id == "" {
		ours.Identity = wanted
	}
	holder, err := f.Claim(ctx, name, ours)
	if err != nil {
		return "", err
	}
	if holder.Identity != ours.Identity && (id != "" || holder.Bucket != ours.Bucket) {
		return "", OtherBucket(f, name, holder, ours)
	}
	ours.Identity = holder.Identity
	if _, err := f.Claim(ctx, placeOf(ours), ours); err != nil {
		return "", err
	}
	if err := CheckCopy(ctx, f, ours); err != nil || id != "" {
		return holder.Identity, err
	}
	return holder.Identity, b.Put(ctx, bucket.IdentityKey, strings.NewReader(holder.Identity))
}

// placeOf is the name under which it is claimed where a bucket of this identity lies.
func placeOf(ours fleet.Claim) string { return "bucket " + ours.Identity }

// CheckCopy refuses a bucket whose identity is worked on at another place: a copy has that
// of its original, and each would take the other's jobs and results for its own.
func CheckCopy(ctx context.Context, f *fleet.Claims, ours fleet.Claim) error {
	holder, err := f.Holder(ctx, placeOf(ours))
	if err != nil || holder == (fleet.Claim{}) || bucket.SamePlace(holder.Bucket, ours.Bucket) {
		return err
	}
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("%s has the identity of %s, which this Redis serves: one is a copy of the other", ours.Bucket, holder.Bucket),
		Hint: "delete " + bucket.IdentityKey + " in the copy, and it becomes a bucket of its own; if the bucket was moved, delete the Redis key " +
			f.Key(placeOf(ours)),
	}}
}

// OtherBucket refuses a process whose fleet works on another bucket.
func OtherBucket(f *fleet.Claims, name string, holder, ours fleet.Claim) error {
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("fleet %q on this Redis works on %s, not on %s", name, holder.Bucket, ours.Bucket),
		Hint: "correct the bucket or folder; to serve a second one by this Redis, name another fleet in " + config.FleetVariable +
			"; to move the fleet for good, delete the Redis key " + f.Key(name),
	}}
}
