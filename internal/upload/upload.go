// Package upload gives providers the pictures that jobs take: each content once in each
// project, whatever is lost or killed meanwhile. What was uploaded where lies in the bucket,
// beside all batches.
package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// Folder has a folder for each project, with a note of each picture.
const Folder = "_nightshift/uploads"

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
	known map[string]string // assets that are there, by place
	gone  map[string]bool   // assets that are not there any more
	busy  map[string]bool   // places to which this process is uploading
}

// note is what lies in the bucket of a picture in a project.
type note struct {
	Name  string    `json:"name"`
	Asset string    `json:"asset,omitempty"`
	Bytes int64     `json:"bytes"`
	At    time.Time `json:"at"` // when it was last begun
	// Upload is the provider's id of one that takes several calls.
	Upload string `json:"upload,omitempty"`
	// Looked is since when no list has shown an upload whose answer was lost.
	Looked time.Time `json:"looked,omitzero"`
}

// Ready returns the assets that stand for the pictures of a job in the project of an API
// key, and reports whether all are known; those that are not need [Uploads.Upload].
func (u *Uploads) Ready(ctx context.Context, keys Keys, batchID string, j *job.Job, apiKey string) (assets map[string]string, ready bool, err error) {
	assets = make(map[string]string)
	for _, p := range j.Pictures() {
		asset, err := u.knownAsset(ctx, keys, batchID, j, p, apiKey)
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
// made in the same project is there already.
func (u *Uploads) knownAsset(ctx context.Context, keys Keys, batchID string, j *job.Job, p job.Picture, apiKey string) (string, error) {
	if made := j.Made[p.String()]; made.Asset != "" && !u.isGone(made.Asset) && (made.APIKey == apiKey || keys.Origin(made.APIKey).Same(keys.Origin(apiKey))) {
		return made.Asset, nil
	}
	sum, err := u.sumOf(ctx, batchID, j, p)
	if err != nil {
		return "", err
	}
	return u.get(place(keys.Origin(apiKey), sum)), nil
}

// place is where the note of a picture lies.
func place(origin batch.KeyOrigin, sum string) string {
	project := origin.Project
	if project == "" {
		project = origin.Fingerprint
	}
	scope := sha256.Sum256([]byte(origin.API + "\x00" + project))
	return Folder + "/" + hex.EncodeToString(scope[:8]) + "/" + sum + ".json"
}

func (u *Uploads) get(place string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.known[place]
}

func (u *Uploads) set(place, asset string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known == nil {
		u.known = make(map[string]string)
	}
	u.known[place] = asset
}

func (u *Uploads) isGone(asset string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.gone[asset]
}

// Gone notes that the provider has an asset no more; what stood for it is uploaded again.
func (u *Uploads) Gone(asset string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone == nil {
		u.gone = make(map[string]bool)
	}
	u.gone[asset] = true
	for place, known := range u.known {
		if known == asset {
			delete(u.known, place)
		}
	}
}

// Upload uploads the pictures of a job that the project of an API key does not have. It
// returns a [job.PostponedError] while another process uploads one, or while it is not known
// whether one was taken; [job.ErrInvalid] says that the provider does not take one, and other
// errors are those of the bucket and the provider.
func (u *Uploads) Upload(ctx context.Context, keys Keys, batchID string, j *job.Job, apiKey string, requests provider.Requests) error {
	for _, p := range j.Pictures() {
		asset, err := u.knownAsset(ctx, keys, batchID, j, p, apiKey)
		if err == nil && asset == "" {
			err = u.upload(ctx, keys, batchID, j, p, apiKey, requests)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *Uploads) upload(ctx context.Context, keys Keys, batchID string, j *job.Job, p job.Picture, apiKey string, requests provider.Requests) (err error) {
	to, err := keys.Uploader(apiKey, requests)
	if err != nil {
		return err
	}
	from, err := u.source(ctx, batchID, j, p)
	if err != nil {
		return err
	}
	key := place(keys.Origin(apiKey), from.sum)
	elsewhere := &job.PostponedError{After: busyRest, Reason: job.WaitUpload, Detail: "the picture is being uploaded"}
	if !u.begin(key) {
		return elsewhere
	}
	defer u.end(key)
	release, held, err := u.Lease(ctx, "upload:"+key)
	if err != nil {
		return err
	}
	if !held {
		return elsewhere
	}
	defer func() { err = errors.Join(err, release(context.WithoutCancel(ctx))) }()
	// Two runs on one folder, each with a Redis of its own, share no lease.
	unlock, err := u.Bucket.Lock(ctx, key+".lock")
	if _, locked := errors.AsType[*bucket.LockedError](err); locked {
		return elsewhere
	}
	if err != nil {
		return err
	}
	return errors.Join(u.once(ctx, to, key, from), unlock())
}

// begin takes a place for this goroutine: a lease is the whole process'.
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

const (
	// busyRest is when a job asks again whose picture somebody else uploads.
	busyRest = time.Second
	// lookRest is when an upload is looked for again whose answer was lost.
	lookRest = 3 * time.Second
)

// damagedAge is how old an upload may be whose note is damaged: it is looked for by its name.
const damagedAge = 7 * 24 * time.Hour

// read reads the note of a picture; one that nobody can go by is that of an upload of which
// nothing but the name is known.
func (u *Uploads) read(ctx context.Context, key string, from source) (note, error) {
	n, now := note{}, time.Now().UTC()
	_, err := batch.ReadJSON(ctx, u.Bucket, key, &n)
	if errors.Is(err, job.ErrDamaged) || n.At.After(now.Add(damagedAge)) {
		n, err = note{At: now.Add(-damagedAge)}, nil
	}
	n.Name, n.Bytes = from.name(), from.bytes
	if n.Looked.After(now) { // by another clock
		n.Looked = time.Time{}
	}
	return n, err
}

// once uploads a picture, unless the bucket knows that it is there, or may be.
func (u *Uploads) once(ctx context.Context, to provider.Uploader, key string, from source) error {
	n, err := u.read(ctx, key, from)
	if err != nil {
		return err
	}
	if n.Asset != "" && !u.isGone(n.Asset) {
		there, err := to.HasAsset(ctx, n.Asset)
		if err != nil {
			return err
		}
		if there {
			u.set(key, n.Asset)
			return nil
		}
	}
	begun := n.Asset == "" && !n.At.IsZero()
	if begun {
		if decided, err := u.settleLost(ctx, to, key, &n); decided || err != nil {
			return err
		}
	}
	return u.send(ctx, to, key, from)
}

// settleLost finds out what became of an upload whose answer is not there. It reports false
// once it is certain that it was not taken.
func (u *Uploads) settleLost(ctx context.Context, to provider.Uploader, key string, n *note) (decided bool, err error) {
	asset, underWay, err := find(ctx, to, n)
	if err != nil {
		return true, err
	}
	now := time.Now().UTC()
	switch {
	case underWay:
		return true, &job.PostponedError{After: lookRest, Reason: job.WaitUpload, Detail: "the provider is taking the picture over"}
	case asset != "" && !u.isGone(asset):
		n.Asset = asset
		if err := batch.WriteJSON(ctx, u.Bucket, key, n); err != nil {
			return true, err
		}
		u.set(key, asset)
		return true, nil
	case n.Looked.IsZero():
		n.Looked = now
		if err := batch.WriteJSON(ctx, u.Bucket, key, n); err != nil {
			return true, err
		}
	case now.Sub(n.Looked) >= u.Grace:
		return false, nil
	}
	return true, &job.PostponedError{After: min(lookRest, u.Grace), Reason: job.WaitUpload, Detail: "the answer to an upload was lost, and the picture is looked for"}
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
		return &job.PostponedError{After: min(lookRest, u.Grace), Reason: job.WaitUpload, Detail: "the answer to an upload was lost, and the picture is looked for"}
	}
	if err != nil {
		return errors.Join(err, u.Bucket.Delete(context.WithoutCancel(ctx), key)) // nothing was taken
	}
	n.Asset = asset
	if err := batch.WriteJSON(context.WithoutCancel(ctx), u.Bucket, key, n); err != nil {
		return err
	}
	u.set(key, asset)
	u.Logger.InfoContext(ctx, "picture uploaded", "picture", n.Name, "bytes", n.Bytes, "asset_id", asset)
	return nil
}

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
func keyOf(batchID string, j *job.Job, p job.Picture) string {
	if p.SHA256 != "" {
		return batch.ReferenceKey(batchID, p.SHA256)
	}
	return batchID + "/" + j.Made[p.String()].Key
}

// sumOf is the hash of a picture, which of an image is found out by reading it.
func (u *Uploads) sumOf(ctx context.Context, batchID string, j *job.Job, p job.Picture) (string, error) {
	if p.SHA256 != "" {
		return p.SHA256, nil
	}
	from, err := u.source(ctx, batchID, j, p)
	return from.sum, err
}

// source reads a picture once, to know that it is whole and what it is.
func (u *Uploads) source(ctx context.Context, batchID string, j *job.Job, p job.Picture) (source, error) {
	s := source{key: keyOf(batchID, j, p)}
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
