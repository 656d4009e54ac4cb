package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"nightshift/internal/batch"
	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// source is a picture in the bucket.
type source struct {
	key    string
	sum    string // its SHA-256 in hex
	bytes  int64
	format image.Format
}

// name is what an asset is called, in which the hash says what it is.
func (s source) name() string { return "nightshift-" + s.sum + "." + s.format.Extension() }

// keyOf is where a picture lies: with the references of the batch, or as an image of it.
func keyOf(t *taker, p job.Picture) string {
	if p.SHA256 != "" {
		return batch.ReferenceKey(t.batch, p.SHA256)
	}
	return t.batch + "/" + t.job.Made[p.String()].Key
}

// sumOf is the hash of a picture, which of an image is found out by reading it.
func (u *Uploads) sumOf(ctx context.Context, t *taker, p job.Picture) (string, error) {
	if p.SHA256 != "" {
		return p.SHA256, nil
	}
	from, err := u.source(ctx, t, p)
	return from.sum, err
}

// source reads a picture once, to know that it is whole and what it is.
func (u *Uploads) source(ctx context.Context, t *taker, p job.Picture) (source, error) {
	s := source{key: keyOf(t, p)}
	body, err := u.Bucket.Open(ctx, s.key)
	if errors.Is(err, fs.ErrNotExist) {
		return s, &job.HintedError{Err: fmt.Errorf("%s is not there", u.Bucket.Path(s.key)), Hint: "submit the manifest again, which puts its pictures into the bucket"}
	}
	if err != nil {
		return s, err
	}
	defer body.Close() // only read from
	sum := sha256.New()
	guard := image.NewGuard(io.TeeReader(body, sum), -1, image.Limits{})
	_, err = io.Copy(io.Discard, guard)
	if _, bad := errors.AsType[*job.BadImageError](err); bad {
		return s, &job.HintedError{Err: fmt.Errorf("%s is damaged: %w", u.Bucket.Path(s.key), err), Hint: againHint}
	}
	if err != nil {
		return s, fmt.Errorf("read %s: %w", u.Bucket.Path(s.key), err)
	}
	info := guard.Info()
	s.sum, s.bytes, s.format = hex.EncodeToString(sum.Sum(nil)), info.Bytes, info.Format
	if p.SHA256 != "" && s.sum != p.SHA256 {
		return s, &job.HintedError{
			Err:  fmt.Errorf("%s is not the picture that was planned: its content has changed", u.Bucket.Path(s.key)),
			Hint: againHint,
		}
	}
	return s, nil
}

const againHint = "delete the object and submit the manifest again"
