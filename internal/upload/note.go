package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// Folder has a folder for each project, with a note of each picture.
const Folder = "_nightshift/uploads"

// note is what the bucket knows of a picture in a project: that an upload has begun, and its
// asset once it has ended. The names of its JSON stay.
type note struct {
	Name  string    `json:"name"`
	Asset string    `json:"asset,omitempty"`
	Bytes int64     `json:"bytes"`
	At    time.Time `json:"at"` // when it was last begun
	// Upload is the provider's id of one that takes several calls.
	Upload string `json:"upload,omitempty"`
	// Unlisted is since when no list has shown an upload whose answer was lost.
	Unlisted time.Time `json:"unlisted,omitzero"`
}

// begun reports whether an upload has begun of which no end is known.
func (n *note) begun() bool { return n.Asset == "" && !n.At.IsZero() }

// noteKey is the object with the note of a picture in the project of an API key.
func noteKey(origin batch.KeyOrigin, sum string) string {
	project := origin.Project
	if project == "" {
		project = origin.Fingerprint
	}
	scope := sha256.Sum256([]byte(origin.API + "\x00" + project))
	return Folder + "/" + hex.EncodeToString(scope[:8]) + "/" + sum + ".json"
}

// damagedAge is how long ago an upload may have begun whose note is damaged: it is looked for
// by its name since then.
const damagedAge = 7 * 24 * time.Hour

// readNote reads the note of a picture. One that is damaged, or of the future, stands for an
// upload that may have begun.
func (u *Uploads) readNote(ctx context.Context, key string, from source) (note, error) {
	n, now := note{}, time.Now().UTC()
	_, err := batch.ReadJSON(ctx, u.Bucket, key, &n)
	if errors.Is(err, job.ErrDamaged) || n.At.After(now.Add(damagedAge)) {
		n, err = note{At: now.Add(-damagedAge)}, nil
	}
	n.Name, n.Bytes = from.name(), from.bytes
	if n.Unlisted.After(now) { // by another clock
		n.Unlisted = time.Time{}
	}
	return n, err
}

// noteAsset notes the asset of a picture, in the bucket and for this process.
func (u *Uploads) noteAsset(ctx context.Context, key string, n *note, asset string) error {
	n.Asset = asset
	if err := batch.WriteJSON(ctx, u.Bucket, key, n); err != nil {
		return err
	}
	u.remember(key, asset)
	return nil
}
