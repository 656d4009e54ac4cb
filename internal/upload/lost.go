package upload

import (
	"context"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// lostDelay is when an upload is looked for again whose answer was lost.
const lostDelay = 3 * time.Second

// lookAgain postpones a job until an upload is looked for again.
func (u *Uploads) lookAgain(detail string) error {
	return &job.PostponedError{After: min(lostDelay, u.Grace), Reason: job.WaitUpload, Detail: detail}
}

// settleLost finds out what became of an upload whose answer was lost. It reports false once
// it is certain that it was not taken: nothing is sent twice before.
func (u *Uploads) settleLost(ctx context.Context, to provider.Uploader, key string, n *note) (decided bool, err error) {
	asset, underWay, err := find(ctx, to, n)
	if err != nil {
		return true, err
	}
	now := time.Now().UTC()
	switch {
	case underWay:
		return true, u.lookAgain("the provider is taking the picture over")
	case asset != "" && !u.isGone(asset):
		return true, u.noteAsset(ctx, key, n, asset)
	case n.Unlisted.IsZero():
		n.Unlisted = now
		if err := batch.WriteJSON(ctx, u.Bucket, key, n); err != nil {
			return true, err
		}
	case now.Sub(n.Unlisted) >= u.Grace:
		return false, nil
	}
	return true, u.lookAgain("the answer to an upload was lost, and the picture is looked for")
}

// find looks for an upload by its id or, where it has none, by its name.
func find(ctx context.Context, to provider.Uploader, n *note) (asset string, underWay bool, err error) {
	if n.Upload != "" {
		asset, underWay, err = to.ResumeUpload(ctx, n.Upload)
	}
	if err == nil && asset == "" && !underWay {
		asset, err = to.FindUpload(ctx, n.Name, n.At)
	}
	return asset, underWay, err
}
