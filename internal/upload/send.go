package upload

import (
	"context"
	"errors"
	"io"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// once uploads a picture, unless the note says that it is there, or may be.
func (u *Uploads) once(ctx context.Context, to provider.Uploader, key string, from source) error {
	n, err := u.readNote(ctx, key, from)
	if err != nil {
		return err
	}
	if n.Asset != "" && !u.isGone(n.Asset) {
		there, err := to.HasAsset(ctx, n.Asset)
		if err != nil {
			return err
		}
		if there {
			u.remember(key, n.Asset)
			return nil
		}
	}
	if n.begun() {
		if decided, err := u.settleLost(ctx, to, key, &n); decided || err != nil {
			return err
		}
	}
	return u.send(ctx, to, key, from)
}

// send uploads a picture. That it is about to be is noted first, so that it is looked for
// where the answer is lost.
func (u *Uploads) send(ctx context.Context, to provider.Uploader, key string, from source) error {
	n := note{Name: from.name(), Bytes: from.bytes, At: time.Now().UTC()}
	if err := batch.WriteJSON(ctx, u.Bucket, key, n); err != nil {
		return err
	}
	asset, err := to.Upload(ctx, provider.Upload{
		Name: n.Name, ContentType: from.format.ContentType(), Bytes: from.bytes,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return u.Bucket.Open(ctx, from.key) },
		Begun: func(id string) error {
			n.Upload = id
			return batch.WriteJSON(ctx, u.Bucket, key, n)
		},
	})
	if unknown, lost := errors.AsType[*job.UnknownOutcomeError](err); lost {
		if ctx.Err() != nil { // who goes on with the job looks for it
			return context.Cause(ctx)
		}
		u.Logger.WarnContext(ctx, "answer to an upload lost, looking for it", "picture", n.Name, "err", unknown)
		return u.lookAgain("the answer to an upload was lost, and the picture is looked for")
	}
	if err != nil {
		return errors.Join(err, u.Bucket.Delete(context.WithoutCancel(ctx), key)) // nothing was taken
	}
	if err := u.noteAsset(context.WithoutCancel(ctx), key, &n, asset); err != nil {
		return err
	}
	u.Logger.InfoContext(ctx, "picture uploaded", "picture", n.Name, "bytes", n.Bytes, "asset_id", asset)
	return nil
}
