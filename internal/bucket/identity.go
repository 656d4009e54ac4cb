package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"nightshift/internal/job"
)

// IdentityKey is the object at a bucket's root that tells buckets apart: what belongs to one
// is never counted, sent or stored for another, nor are marks of its images taken for those
// of another.
const IdentityKey = ownFolder + "/id"

// identityBytes is more than an identity has.
const identityBytes = 1 << 10

// opener opens objects.
type opener interface {
	Open(ctx context.Context, objectKey string) (io.ReadCloser, error)
}

// ReadIdentity is the bucket's identity; "" if it has none yet.
func ReadIdentity(ctx context.Context, b opener) (string, error) {
	body, err := b.Open(ctx, IdentityKey)
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
			Err:  fmt.Errorf("read %s at the root of the bucket: it is no identity of a bucket", IdentityKey),
			Hint: "delete it if no batch in the bucket is open; a new one is made",
		}
	}
	return string(id), err
}
