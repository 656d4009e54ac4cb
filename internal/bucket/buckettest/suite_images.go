package buckettest

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

var owner = image.Metadata{
	Batch: "batch", Job: "abcdefghijklmnop", Row: "héalth & \"mana\"", Model: "model_x", Seed: "42",
	Inference: "job_1", Asset: "asset_1", Index: 3,
}

func putImage(t *testing.T, b Bucket, name string, file []byte, meta image.Metadata) job.Image {
	t.Helper()
	image, err := b.PutImage(t.Context(), image.Put{
		Name: name, Body: bytes.NewReader(file), Length: int64(len(file)), Metadata: meta,
	})
	noError(t, err)
	return image
}

func formats(t *testing.T, b Bucket) {
	tests := []struct {
		key, format string
		file        []byte
	}{
		{"a.png", "png", PNG(40, 30, 1)},
		{"a.jpg", "jpeg", JPEG(40, 30, 1)},
		{"a.webp", "webp", WebP(40, 30, 1)},
	}
	for _, test := range tests {
		image := putImage(t, b, "batch/icons/a.{ext}", test.file, owner)
		want := job.Image{
			Key: "icons/" + test.key, Asset: owner.Asset, Bytes: int64(len(test.file)), Format: test.format,
			Width: 40, Height: 30, CRC32: fmt.Sprintf("%08x", crc32.ChecksumIEEE(test.file)),
		}
		if diff := cmp.Diff(want, image); diff != "" {
			t.Errorf("image (-want +got):\n%s", diff)
		}
		wantObject(t, b, "batch/icons/"+test.key, string(test.file))
	}
}

func metadata(t *testing.T, b Bucket) {
	putImage(t, b, "batch/a.png", PNG(4, 4, 1), owner)
	object, err := b.Stat(t.Context(), "batch/a.png")
	noError(t, err)
	if diff := cmp.Diff(owner, object.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func existing(t *testing.T, b Bucket) {
	stored := putImage(t, b, "batch/a.{ext}", JPEG(20, 10, 1), owner)
	otherJob, otherAsset, otherIndex := owner, owner, owner
	otherJob.Job, otherAsset.Asset, otherIndex.Index = "other", "other", 0
	tests := []struct {
		name  string
		meta  image.Metadata
		image job.Image
		found bool
	}{
		{"batch/a.{ext}", owner, stored, true},
		{"batch/a.jpg", owner, stored, true},
		{"batch/a.png", owner, job.Image{}, false},
		{"batch/b.{ext}", owner, job.Image{}, false},
		{"batch/a.{ext}", otherJob, job.Image{}, false},
		{"batch/a.{ext}", otherAsset, job.Image{}, false},
		{"batch/a.{ext}", otherIndex, job.Image{}, false},
	}
	for _, test := range tests {
		image, found, err := b.Existing(t.Context(), test.name, test.meta)
		noError(t, err)
		if found != test.found || image != test.image {
			t.Errorf("Existing(%q, %+v) = %+v, %v", test.name, test.meta, image, found)
		}
	}
}

func existingChanged(t *testing.T, b Bucket) {
	file := PNG(20, 10, 1)
	putImage(t, b, "batch/a.png", file, owner)
	flipped := bytes.Clone(file)
	flipped[len(flipped)/2] ^= 1
	for _, other := range [][]byte{flipped, file[:len(file)-1], nil} {
		put(t, b, "batch/a.png", string(other))
		_, found, err := b.Existing(t.Context(), "batch/a.png", owner)
		noError(t, err)
		object, err := b.Stat(t.Context(), "batch/a.png")
		noError(t, err)
		if len(other) != len(file) && object.Metadata != (image.Metadata{}) {
			t.Errorf("an object of %d bytes has the metadata of an image of %d", len(other), len(file))
		}
		if found {
			t.Errorf("an object of %d bytes passes for the image of %d bytes that was put", len(other), len(file))
		}
	}
	putImage(t, b, "batch/a.png", file, owner)
	wantObject(t, b, "batch/a.png", string(file))
}

func literalExtension(t *testing.T, b Bucket) {
	file := JPEG(20, 10, 1)
	image := putImage(t, b, "batch/hero.PNG", file, owner)
	if image.Key != "hero.PNG" || image.Format != "jpeg" || !strings.Contains(image.Warning, "JPEG") {
		t.Errorf("a JPEG put as hero.PNG is %+v", image)
	}
	wantObject(t, b, "batch/hero.PNG", string(file))
	for _, name := range []string{"batch/a.jpeg", "batch/a", "batch/a.v2"} {
		if image := putImage(t, b, name, file, owner); image.Warning != "" {
			t.Errorf("a JPEG put as %s warns: %s", name, image.Warning)
		}
	}
}

func otherJob(t *testing.T, b Bucket) {
	before, after := PNG(20, 10, 1), PNG(30, 10, 2)
	next := owner
	next.Job = "next"
	putImage(t, b, "batch/a.png", before, owner)
	putImage(t, b, "batch/a.png", after, next)
	wantObject(t, b, "batch/a.png", string(after))
	_, old, err := b.Existing(t.Context(), "batch/a.png", owner)
	noError(t, err)
	_, now, err := b.Existing(t.Context(), "batch/a.png", next)
	noError(t, err)
	if old || !now {
		t.Errorf("Existing = %v for the job before, %v for the job after", old, now)
	}
}
