// Package upload gives providers the pictures that jobs take: each content once in each
// project, whatever is lost or killed meanwhile. What was uploaded where lies in the bucket,
// beside all batches.
package upload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// Keys are the API keys of a pool.
type Keys interface {
	// Origin is what a key sees.
	Origin(apiKey string) batch.KeyOrigin
	// Uploader is the API as a key opens it; an error if it takes no pictures.
	Uploader(apiKey string, requests provider.Requests) (provider.Uploader, error)
}

// Uploads uploads pictures.
type Uploads struct {
	Bucket bucket.Objects
	// Lease takes the right to upload a picture, of all processes of the fleet; false while
	// another has it. release gives it back.
	Lease  func(ctx context.Context, name string) (release func(context.Context) error, held bool, err error)
	Grace  time.Duration // after which an upload that no list shows was never taken
	Logger *slog.Logger

	mu    sync.Mutex
	known map[string]string // assets that are there, by the key of their note
	gone  map[string]bool   // assets that the provider has no more
	busy  map[string]bool   // notes of what this process uploads at the moment
}

// taker is a job that takes pictures, with the API key by which it is to run.
type taker struct {
	batch  string
	job    *job.Job
	keys   Keys
	apiKey string
}

func (t *taker) origin() batch.KeyOrigin { return t.keys.Origin(t.apiKey) }

// Ready returns the assets that stand for the pictures of a job in the project of an API
// key, and reports whether all are known; those that are not need [Uploads.Upload].
func (u *Uploads) Ready(ctx context.Context, keys Keys, batchID string, j *job.Job, apiKey string) (assets map[string]string, ready bool, err error) {
	t := &taker{batchID, j, keys, apiKey}
	assets = make(map[string]string)
	for _, p := range j.Pictures() {
		asset, err := u.knownAsset(ctx, t, p)
		if err != nil {
			return nil, false, err
		}
		if asset == "" {
			return nil, false, nil
		}
		assets[p.String()] = asset
	}
	return assets, true, nil
}

// knownAsset is the asset of a picture, "" if it is to be uploaded first. An image that was
// made in the same project is an asset of it already.
func (u *Uploads) knownAsset(ctx context.Context, t *taker, p job.Picture) (string, error) {
	made := t.job.Made[p.String()]
	if made.Asset != "" && !u.isGone(made.Asset) && (made.APIKey == t.apiKey || t.keys.Origin(made.APIKey).Same(t.origin())) {
		return made.Asset, nil
	}
	sum, err := u.sumOf(ctx, t, p)
	if err != nil {
		return "", err
	}
	return u.asset(noteKey(t.origin(), sum)), nil
}

// Upload uploads the pictures of a job that the project of an API key does not have. It
// returns a [job.PostponedError] while another process uploads one, or while it is not known
// whether one was taken; [job.ErrInvalid] says that the provider does not take one, and other
// errors are those of the bucket and the provider.
func (u *Uploads) Upload(ctx context.Context, keys Keys, batchID string, j *job.Job, apiKey string, requests provider.Requests) error {
	t := &taker{batchID, j, keys, apiKey}
	for _, p := range j.Pictures() {
		asset, err := u.knownAsset(ctx, t, p)
		if err == nil && asset == "" {
			err = u.upload(ctx, t, p, requests)
		}
		if _, waits := errors.AsType[*job.PostponedError](err); waits {
			return err
		}
		if err != nil {
			return fmt.Errorf("%s: %w", j.PictureName(p), err)
		}
	}
	return nil
}

// busyDelay is when a job asks again whose picture somebody else uploads.
const busyDelay = time.Second

func (u *Uploads) upload(ctx context.Context, t *taker, p job.Picture, requests provider.Requests) error {
	to, err := t.keys.Uploader(t.apiKey, requests)
	if err != nil {
		return err
	}
	from, err := u.source(ctx, t, p)
	if err != nil {
		return err
	}
	key := noteKey(t.origin(), from.sum)
	alone, err := u.alone(ctx, key, func() error { return u.once(ctx, to, key, from) })
	if err == nil && !alone {
		err = &job.PostponedError{After: busyDelay, Reason: job.WaitUpload, Detail: "the picture is being uploaded"}
	}
	return err
}

// alone does something about a picture while nobody else does, in this process, in the fleet,
// or in another run on the folder. It reports false if somebody does.
func (u *Uploads) alone(ctx context.Context, key string, do func() error) (alone bool, err error) {
	if !u.begin(key) {
		return false, nil
	}
	defer u.end(key)
	release, held, err := u.Lease(ctx, "upload:"+key)
	if err != nil || !held {
		return false, err
	}
	defer func() { err = errors.Join(err, release(context.WithoutCancel(ctx))) }()
	// Two runs on one folder, each with a Redis of its own, share no lease.
	unlock, err := u.Bucket.Lock(ctx, key+".lock")
	if _, locked := errors.AsType[*bucket.LockedError](err); locked {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(do(), unlock())
}

// begin marks a picture as being uploaded by this goroutine: a lease is the whole process'.
func (u *Uploads) begin(key string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.busy[key] {
		return false
	}
	if u.busy == nil {
		u.busy = make(map[string]bool)
	}
	u.busy[key] = true
	return true
}

func (u *Uploads) end(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.busy, key)
}
