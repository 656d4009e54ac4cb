package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
)

// identityKey is the object at the bucket's root that tells buckets apart in Redis. It is
// part of every key there, so that what belongs to one bucket is never counted, sent or
// stored for another.
const identityKey = "_nightshift/id"

// identityBytes is more than an identity has.
const identityBytes = 1 << 10

// readIdentity is the bucket's identity; "" if it has none yet.
func readIdentity(ctx context.Context, b objects) (string, error) {
	body, err := b.Open(ctx, identityKey)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer body.Close() // only read from
	id, err := io.ReadAll(io.LimitReader(body, identityBytes))
	if err == nil && strings.ContainsAny(string(id), "{}\n ") {
		err = &job.HintedError{
			Err:  fmt.Errorf("read %s: it is no identity of a bucket", b.Path(identityKey)),
			Hint: "delete it if no batch in the bucket is open; a new one is made",
		}
	}
	return string(id), err
}

// identify is the bucket's identity, made if it has none.
func identify(ctx context.Context, b objects) (string, error) {
	id, err := readIdentity(ctx, b)
	if err != nil || id != "" {
		return id, err
	}
	id = newIdentity()
	return id, b.Put(ctx, identityKey, strings.NewReader(id))
}

func newIdentity() string { return strings.ToLower(rand.Text()[:12]) }

// prefixOf is what all keys of a bucket begin with in Redis.
func prefixOf(identity string) string { return "ns:" + identity }

// claimFleet makes sure that the fleet of this name on this Redis works on this bucket,
// and returns the bucket's identity. Of several processes that begin with an empty bucket
// and an empty Redis all get the same.
func claimFleet(ctx context.Context, f *fleet.Claims, name string, b objects) (string, error) {
	id, err := readIdentity(ctx, b)
	if err != nil {
		return "", err
	}
	ours := fleet.Claim{Identity: id, Bucket: b.Path("")}
	if id == "" {
		ours.Identity = newIdentity()
	}
	holder, err := f.Claim(ctx, name, ours)
	switch {
	case err != nil:
		return "", err
	case holder.Identity == ours.Identity && id != "":
		return id, nil
	case holder.Identity == ours.Identity || id == "" && holder.Bucket == ours.Bucket:
		return holder.Identity, b.Put(ctx, identityKey, strings.NewReader(holder.Identity))
	}
	return "", otherBucket(f, name, holder, ours)
}

// checkFleet is claimFleet without claiming anything.
func (w *worker) checkFleet(ctx context.Context) finding {
	name, claims := w.settings.Fleet, fleet.NewClaims(w.redis)
	found := finding{what: config.FleetVariable, says: fmt.Sprintf("fleet %q is free on this Redis, and takes this bucket", name)}
	id, err := readIdentity(ctx, w.bucket)
	holder, failed := claims.Holder(ctx, name)
	switch ours := (fleet.Claim{Identity: id, Bucket: w.bucket.Path("")}); {
	case err != nil || failed != nil:
		found.err = errors.Join(err, failed)
	case holder == fleet.Claim{}:
	case holder.Identity == id || id == "" && holder.Bucket == ours.Bucket:
		found.says = fmt.Sprintf("fleet %q on this Redis works on this bucket", name)
	default:
		found.err = otherBucket(claims, name, holder, ours)
	}
	return found
}

// otherBucket refuses a process whose fleet works on another bucket.
func otherBucket(f *fleet.Claims, name string, holder, ours fleet.Claim) error {
	return &inputError{&job.HintedError{
		Err: fmt.Errorf("fleet %q on this Redis works on %s, not on %s", name, holder.Bucket, ours.Bucket),
		Hint: "correct the bucket or folder; to serve a second one by this Redis, name another fleet in " + config.FleetVariable +
			"; to move the fleet for good, delete the Redis key " + f.Key(name),
	}}
}
