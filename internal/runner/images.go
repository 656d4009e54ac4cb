package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"nightshift/internal/backoff"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

const (
	// A download is repeated at once this often before the task gives way.
	downloads = 4
)

// storeAgain is the pause between rounds.
var storeAgain = backoff.Policy{First: 4 * time.Second, Longest: 5 * time.Minute}

// store brings all images of a run into the bucket and records the result.
func (r *Runner) store(ctx context.Context, rec *job.Record) error {
	images := make([]job.Image, 0, len(rec.Outcome.AssetIDs))
	for i, asset := range rec.Outcome.AssetIDs {
		image, err := r.storeOne(ctx, r.wish(rec, i, asset))
		if err != nil {
			return r.storeFailed(ctx, rec, asset, err)
		}
		if rec.Outcome.Foreign {
			image = warned(image, "the inference shows other inputs than were sent")
		}
		images = append(images, image)
	}
	if missing := len(rec.Job.Outputs) - len(images); missing > 0 && len(images) > 0 {
		images[len(images)-1].Warning = fmt.Sprintf("the provider made %d of %d images", len(images), len(rec.Job.Outputs))
	}
	if len(images) > 0 && !rec.Counted && noBill(rec) {
		images[0] = warned(images[0], fmt.Sprintf("the provider shows a bill of %s CU for what it quoted at %s; the quote is counted", rec.Outcome.Billed, rec.Job.Quote))
	}
	end := ending{state: job.Succeeded, images: images, billed: charged(rec)}
	if len(images) == 0 {
		end.state, end.kind = job.Failed, kindProvider
		end.reason = "the provider ended the inference " + rec.Inference + " as a success without any image"
		end.hint = "it was charged; ask the provider, naming the inference"
	}
	return r.conclude(ctx, rec, end, func() error { return r.settle(ctx, rec, end.billed, 0) })
}

func (r *Runner) wish(rec *job.Record, i int, asset string) ImageTarget {
	return ImageTarget{
		Ref: rec.Ref, Name: outputName(rec.Job.Outputs, i), Index: i, Row: rec.Job.Row,
		Model: rec.Job.Model, Seed: rec.Job.Seed(), Inference: rec.Inference, Asset: asset,
		APIKey: rec.APIKey, Takes: rec.Job.Takes(asset),
	}
}

// outputName is the planned name of image i. A model that makes more images than
// were asked for (texture maps do) gets names derived from the last one, with a
// character that no name of a plan has.
func outputName(outputs []string, i int) string {
	if i < len(outputs) {
		return outputs[i]
	}
	last := outputs[len(outputs)-1]
	ext := path.Ext(last)
	return fmt.Sprintf("%s~extra%d%s", strings.TrimSuffix(last, ext), i-len(outputs)+1, ext)
}

// storeOne downloads and stores one image, unless an earlier attempt did. One with a flaw
// is downloaded again, and kept with a warning where it stays so.
func (r *Runner) storeOne(ctx context.Context, w ImageTarget) (job.Image, error) {
	kept, there, err := r.Images.Existing(ctx, w)
	if err != nil {
		return kept, err
	}
	if there {
		flaw, err := r.inspect(ctx, w, kept)
		if err != nil || flaw == "" {
			return kept, err
		}
		kept = warned(kept, flaw)
	}
	for try := 1; ; try++ {
		image, flaw, err := r.fetch(ctx, w)
		switch {
		case err == nil && flaw == "":
			r.waits.setSide(storeSide, nil)
			return image, nil
		case err == nil:
			kept, there = warned(image, flaw), true
			err = &job.SideError{Side: job.SideLinkHost, Err: errors.New(flaw)}
		case ctx.Err() != nil || job.Hint(err) != "" || forbidden(err) || foreignAsset(err):
			return job.Image{}, err
		}
		if try == downloads && there && sideOf(err) != job.SideBucket {
			r.Logger.WarnContext(ctx, "image has a flaw, which stays after downloading it again",
				"batch_id", w.Ref.Batch, "job_id", string(w.Ref.ID), "asset_id", w.Asset, "warning", kept.Warning)
			return kept, nil
		}
		if try == downloads {
			return job.Image{}, err
		}
		r.Logger.WarnContext(ctx, "image not stored, downloading again",
			"batch_id", w.Ref.Batch, "job_id", string(w.Ref.ID), "asset_id", w.Asset, "err", err)
		if err := r.pause(ctx, time.Duration(try)*250*time.Millisecond, nil); err != nil {
			return job.Image{}, err
		}
	}
}

// fetch downloads and stores an image, and says what is wrong with it where it is whole
// all the same.
func (r *Runner) fetch(ctx context.Context, w ImageTarget) (stored job.Image, flaw string, err error) {
	p, err := r.reader(w.APIKey)
	if err != nil {
		return job.Image{}, "", ofProvider(err)
	}
	body, length, err := p.Fetch(ctx, provider.Image{Run: w.Inference, Asset: w.Asset, Index: w.Index})
	if err != nil {
		return job.Image{}, "", ofProvider(err)
	}
	defer body.Close() // only read from; what matters was checked while reading
	if err := r.checkMaker(ctx, w, p, body); err != nil {
		return job.Image{}, "", err
	}
	if stored, err = r.Images.Store(ctx, w, linkBody{r.slowBody(w.Asset, body)}, length); err != nil {
		return job.Image{}, "", err
	}
	if flaw, err = r.inspect(ctx, w, stored); err != nil {
		return job.Image{}, "", err
	}
	if recorded, told := body.(provider.Recorded); told && flaw == "" {
		flaw = differs(recorded.Record(), stored)
	}
	return stored, flaw, nil
}

// checkMaker refuses an asset that another run has made, by the provider's record of it: a
// run or a list may name one asset for two runs.
func (r *Runner) checkMaker(ctx context.Context, w ImageTarget, p provider.Provider, body io.Reader) error {
	if w.Takes {
		return &job.SideError{Side: job.SideProvider, Err: &job.ForeignAssetError{Asset: w.Asset}}
	}
	recorded, told := body.(provider.Recorded)
	if !told {
		return nil
	}
	maker := recorded.Record().Run
	if maker == "" || maker == w.Inference {
		return nil
	}
	ours, err := r.Store.Ours(ctx, []string{maker})
	if err != nil {
		return err
	}
	another := ours[maker]
	if !another {
		if another, err = exists(ctx, p, maker); err != nil {
			return ofProvider(err)
		}
	}
	if !another {
		return nil
	}
	return &job.SideError{Side: job.SideProvider, Err: &job.ForeignAssetError{Asset: w.Asset, Run: maker}}
}

// exists reports whether the provider has a run. It may be of another program, or of a batch
// that was over when Redis lost its state; and it may be shown with assets of a third one.
func exists(ctx context.Context, p provider.Provider, run string) (bool, error) {
	told, err := p.Poll(ctx, []provider.Run{{ID: run, Made: time.Now()}})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(told, func(i job.Inference) bool { return i.ID == run && i.Status != job.RunNotFound }), nil
}

// foreignAsset reports whether an asset is another job's.
func foreignAsset(err error) bool {
	_, foreign := errors.AsType[*job.ForeignAssetError](err)
	return foreign
}

// readAgain reads the run of a job again of which an asset was named that is another's, and
// reports whether it names others by now.
func (r *Runner) readAgain(ctx context.Context, rec *job.Record) (changed bool, err error) {
	run, err := r.pollOne(ctx, rec)
	if err != nil || run == nil || run.Status != job.RunSucceeded || slices.Equal(run.AssetIDs, rec.Outcome.AssetIDs) {
		return false, err
	}
	r.Logger.WarnContext(ctx, "inference was shown with assets of another job, and has its own by itself", r.attrs(rec, "inference_id", rec.Inference)...)
	return true, r.Store.Change(ctx, rec, job.Change{From: []job.State{job.Storing}, To: job.Storing, Outcome: job.OutcomeOf(run)})
}

// storeAtOnce stores the images that came with the answer to the request, however long
// the bucket takes none: nobody else has them.
func (r *Runner) storeAtOnce(ctx context.Context, rec *job.Record, run *job.Inference) error {
	for i, content := range run.Images {
		w := r.wish(rec, i, run.AssetIDs[i])
		for try := 1; ; try++ {
			_, err := r.Images.Store(ctx, w, bytes.NewReader(content), int64(len(content)))
			if err == nil {
				break
			}
			if _, bad := errors.AsType[*job.BadImageError](err); bad {
				return nil // collecting ends the job
			}
			if job.Hint(err) != "" && r.NeedsOperator != nil {
				r.NeedsOperator(rec.Ref.Batch, fmt.Errorf("store images of job %s (%s): %w", rec.Ref, rec.Job.Row, err))
			}
			r.Logger.WarnContext(ctx, "image not stored, trying again", r.attrs(rec, "asset_id", w.Asset, "err", err)...)
			if err := backoff.Sleep(ctx, storeAgain.After(try)); err != nil {
				return err
			}
		}
	}
	return nil
}

// storeFailed decides what follows when an image could not be stored. What was
// paid for is kept trying, unless the provider has no whole image to give.
func (r *Runner) storeFailed(ctx context.Context, rec *job.Record, asset string, cause error) error {
	if errors.Is(cause, job.ErrInterrupted) || ctx.Err() != nil {
		return job.ErrInterrupted
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	if foreignAsset(cause) {
		changed, err := r.readAgain(ctx, rec)
		if changed && err == nil {
			return &job.PostponedError{After: moveRest, Reason: job.WaitAsset, Detail: cause.Error()}
		}
		if taken, err := takenOver(err); taken || err != nil {
			return err
		}
	}
	tries := rec.StoreTries + 1
	if tries >= mostTries(cause) {
		return r.conclude(ctx, rec, ending{
			state: job.Failed, kind: kindStorage, billed: charged(rec),
			reason: fmt.Sprintf("asset %s cannot be downloaded whole: %s: %v", asset, sideOf(cause), cause),
			hint:   notStoredHint(rec.Inference, cause),
		}, func() error { return r.settle(ctx, rec, charged(rec), 0) })
	}
	if access, refused := errors.AsType[*job.AccessError](cause); refused && tries >= surelyRefused {
		cause = &job.HintedError{Err: cause, Hint: accessHint(cause, access)}
	}
	if job.Hint(cause) != "" && r.NeedsOperator != nil {
		r.NeedsOperator(rec.Ref.Batch, fmt.Errorf("store images of job %s (%s): %w", rec.Ref, rec.Job.Row, cause))
	}
	count := job.Change{From: []job.State{job.Storing}, To: job.Storing, StoreTries: tries}
	if taken, err := takenOver(r.Store.Change(ctx, rec, count)); taken || err != nil {
		return err
	}
	r.Logger.WarnContext(ctx, "images not stored, trying later", r.attrs(rec, "asset_id", asset, "side", string(sideOf(cause)), "err", cause)...)
	wait := storeWait(fmt.Errorf("asset %s: %w", asset, cause))
	wait.After = storeAgain.After(tries)
	r.waits.setSide(storeSide, wait)
	return wait
}
