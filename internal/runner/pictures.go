package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
)

const (
	// uploadRounds is how often a job is admitted again whose pictures had to be uploaded
	// first: another API key may be chosen each time.
	uploadRounds = 4
	// uploadRest is when a job asks again whose pictures could not be uploaded.
	uploadRest = 10 * time.Second
	// goneMost is how often the provider may not have what a job takes before the job fails.
	goneMost = 4
)

// admitWithPictures admits a job, and sees to it that the project of the API key has the
// pictures that it takes. Nothing is held while they are uploaded.
func (r *Runner) admitWithPictures(ctx context.Context, rec *job.Record) error {
	for range uploadRounds {
		if err := r.admit(ctx, rec); err != nil || len(rec.Job.PictureInputs) == 0 {
			return err
		}
		assets, ready, err := r.Pictures.Ready(ctx, rec.Ref.Batch, &rec.Job, rec.APIKey)
		if ready && err == nil {
			return r.takePictures(ctx, rec, assets)
		}
		apiKey := rec.APIKey
		if failed := r.giveBack(context.WithoutCancel(ctx), rec); failed != nil {
			return errors.Join(err, failed)
		}
		if err == nil {
			err = r.Pictures.Upload(ctx, rec.Ref.Batch, &rec.Job, apiKey, requests{r, apiKey})
		}
		if err != nil {
			return r.notUploaded(ctx, rec, apiKey, err)
		}
	}
	return &job.PostponedError{After: uploadRest, Reason: job.WaitUpload, Detail: "each API key that was free lacked a picture"}
}

// takePictures notes what is sent in place of the job's pictures, for whoever looks for its
// run later.
func (r *Runner) takePictures(ctx context.Context, rec *job.Record, assets map[string]string) error {
	if len(assets) == 0 {
		return nil // a person gave assets
	}
	rec.Job.Assets = assets
	err := r.Store.Change(ctx, rec, job.Change{From: []job.State{job.Queued}, To: job.Queued, Assets: assets})
	if taken, failed := takenOver(err); !taken && failed != nil {
		_, failed = takenOver(r.giveBack(context.WithoutCancel(ctx), rec))
		return errors.Join(err, failed)
	}
	return err
}

// notUploaded is what follows where a picture could not be uploaded.
func (r *Runner) notUploaded(ctx context.Context, rec *job.Record, apiKey string, cause error) error {
	if _, waits := errors.AsType[*job.PostponedError](cause); waits {
		return cause
	}
	if errors.Is(cause, job.ErrInvalid) {
		if err := r.fail(ctx, rec, ending{
			state: job.Failed, kind: kindInvalid, reason: "the provider does not take a picture: " + cause.Error(),
			hint: "give another picture in the manifest and run it again; nothing was paid",
		}); err != nil {
			return err
		}
		return job.ErrRecordGone // it is over
	}
	if ctx.Err() != nil {
		return cause
	}
	wait := &job.PostponedError{After: uploadRest, Reason: job.WaitUpload, Detail: fmt.Sprintf("a picture could not be uploaded with API key %s: %v", apiKey, cause)}
	_, access := errors.AsType[*job.AccessError](cause)
	if hint := job.Hint(cause); hint != "" || access {
		wait.NeedsOperator = true
		if r.NeedsOperator != nil {
			r.NeedsOperator(rec.Ref.Batch, fmt.Errorf("submit job %s (%s): %w", rec.Ref, rec.Job.Row, cause))
		}
	}
	r.waits.refused(rec.Ref.Batch, wait)
	return wait
}

// assetIsThere reports whether a refusal for a picture that the provider does not have is not
// to be believed: it has the picture, or does not say. Sent again on the words alone, a
// request that was accepted all the same would be paid again each time.
func (r *Runner) assetIsThere(ctx context.Context, rec *job.Record, cause error) bool {
	gone, ok := errors.AsType[*job.AssetGoneError](cause)
	if !ok {
		return false
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	there, err := r.Pictures.There(ctx, rec.APIKey, gone.Asset, requests{r, rec.APIKey})
	if err == nil && !there {
		return false
	}
	return r.countGone(rec) <= goneMost
}

// countGone counts how often a job was refused for a picture.
func (r *Runner) countGone(rec *job.Record) int {
	times, _ := r.gone.LoadOrStore(rec.Ref, 0)
	n, _ := times.(int)
	r.gone.Store(rec.Ref, n+1)
	return n + 1
}

// assetGone reports whether a job was refused because the provider does not have a picture
// any more that we can upload again.
func (r *Runner) assetGone(rec *job.Record, cause error) bool {
	gone, ok := errors.AsType[*job.AssetGoneError](cause)
	if !ok {
		return false
	}
	ours := false
	for _, asset := range rec.Job.Assets {
		ours = ours || asset == gone.Asset
	}
	if !ours || r.countGone(rec) > goneMost {
		r.gone.Delete(rec.Ref)
		return false
	}
	r.Pictures.Gone(gone.Asset)
	return true
}

// needFailed is how a job ends that another has failed.
func needFailed(need *job.NeedFailed) ending {
	return ending{
		state: job.Failed, kind: job.KindNeed, reason: need.String(),
		hint: "correct that row and run the manifest again; this one was not sent, and nothing was paid for it",
	}
}
