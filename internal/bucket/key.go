package bucket

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

const (
	// testFolder holds the folders of all batches of test mode.
	testFolder = "test"
	// ownFolder is the part of a batch's folder that holds what is not meant for
	// people: plan, log shards, and the sidecars beside the images.
	ownFolder = "_nightshift"
	// sidecarFolder holds one sidecar for each image, under the image's own key.
	sidecarFolder = ownFolder + "/objects"
	sidecarSuffix = ".json"
	// ownPrefix begins the names of files that are still being written.
	ownPrefix = ".nightshift-"
	// maxPart is the longest part of a key in bytes: what common file systems
	// take, less what the sidecar's suffix needs.
	maxPart = 255 - len(sidecarSuffix)
)

// checkKey refuses keys that are not plain relative paths below the bucket, with
// an error that wraps [job.ErrInvalid].
func checkKey(key string) error {
	switch {
	case key == "" || key == "." || !fs.ValidPath(key):
		return badKey(key, "it must be a relative path with slashes, without empty parts, \".\" or \"..\"")
	case strings.ContainsAny(key, "\\\x00"):
		return badKey(key, "it holds a backslash or a zero byte")
	case !filepath.IsLocal(filepath.FromSlash(key)):
		return badKey(key, "it would leave the bucket")
	}
	for part := range strings.SplitSeq(key, "/") {
		if len(part) > maxPart {
			return badKey(key, fmt.Sprintf("a part of it is longer than %d bytes", maxPart))
		}
		if strings.HasPrefix(part, ownPrefix) {
			return badKey(key, "names that begin with "+ownPrefix+" are kept for unfinished files")
		}
	}
	return nil
}

// checkImageKey refuses what [checkKey] does, and keys that are not within a
// batch's folder or lie in the part of it that is kept for sidecars.
func checkImageKey(key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, within := splitBatch(key)
	if within == "" {
		return badKey(key, "an image must be in the folder of a batch")
	}
	if first, _, _ := strings.Cut(within, "/"); first == ownFolder {
		return badKey(key, "the folder "+ownFolder+" is not for images")
	}
	return nil
}

// imageKeys are the keys that an image of the name may have, all of them good.
func imageKeys(name string) ([]string, error) {
	keys := image.Names(name)
	for _, key := range keys {
		if err := checkImageKey(key); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func badKey(key, why string) error {
	return fmt.Errorf("object key %q: %s: %w", key, why, job.ErrInvalid)
}

// splitBatch splits a key into its batch's folder and the rest. The folder is the
// first part of the key, or the first two for a batch of test mode; no batch is
// named as the folder of those is. Either is "" where the key is too short.
func splitBatch(key string) (batch, within string) {
	rest, isTest := strings.CutPrefix(key, testFolder+"/")
	name, within, _ := strings.Cut(rest, "/")
	if isTest {
		name = path.Join(testFolder, name)
	}
	return name, within
}

// sidecarKey is where the sidecar of an image lies, "" for a key that has none.
func sidecarKey(key string) string {
	batch, within := splitBatch(key)
	if within == "" {
		return ""
	}
	return path.Join(batch, sidecarFolder, within+sidecarSuffix)
}
