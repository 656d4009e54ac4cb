package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	bucketimage "nightshift/internal/bucket/image"
	"nightshift/internal/job"
	"nightshift/internal/s3test"
)

// desk is a bucket with a batch of which images were made, and the commands on it.
type desk struct {
	bucket  bucket.Objects
	environ []string
	jobs    map[string]job.ID // by row
}

const deskBatch = "test/night"

// newDesk makes a batch of these rows of two images each, without a plan, as one whose
// submission is lost.
func newDesk(t *testing.T, b bucket.Objects, environ []string, rows ...string) *desk {
	t.Helper()
	d := &desk{bucket: b, environ: environ, jobs: make(map[string]job.ID)}
	if err := b.Put(t.Context(), "_nightshift/id", strings.NewReader("desk")); err != nil {
		t.Fatal(err)
	}
	if err := batch.WriteState(t.Context(), b, deskBatch, &batch.State{Batch: "night", Mode: job.Test}); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		d.make(t, i, row)
	}
	return d
}

func (d *desk) make(t *testing.T, index int, row string) {
	t.Helper()
	outputs := []string{row + "-1.{ext}", row + "-2.{ext}"}
	id := job.Identify("model_x", job.Inputs{"prompt": row}, outputs)
	d.jobs[row] = id
	result := job.Result{
		Job: id, Index: index, Row: row, State: job.Succeeded, Model: "model_x", Outputs: outputs, Attempts: 1,
		Inputs: job.Inputs{"prompt": row}, Variables: map[string]string{"kind": "Big " + row}, Seed: "7",
	}
	for n, name := range outputs {
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8+index, 8+n))); err != nil {
			t.Fatal(err)
		}
		stored, err := d.bucket.PutImage(t.Context(), bucketimage.Put{
			Name: deskBatch + "/" + name, Body: &picture, Length: int64(picture.Len()), Metadata: bucketimage.Metadata{Batch: deskBatch, Job: id, Row: row, Asset: fmt.Sprint("asset_", row, n), Index: n},
		})
		if err != nil {
			t.Fatal(err)
		}
		result.Images = append(result.Images, stored)
	}
	if err := batch.NewLog(d.bucket, deskBatch).Append(t.Context(), result); err != nil {
		t.Fatal(err)
	}
}

// enqueue runs a command and returns what it prints.
func (d *desk) enqueue(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := Enqueue(t.Context(), app.Process{Args: args, Environ: d.environ, Stdout: &out, Stderr: &errs})
	if code != want {
		t.Fatalf("enqueue %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, &out, &errs)
	}
	return out.String(), errs.String()
}

// desks are a folder and a bucket on S3.
func desks(t *testing.T, rows ...string) map[string]*desk {
	t.Helper()
	folder := newBucket(t)
	server := s3test.Memory(t)
	if err := server.MakeBucket(t.Context(), "art"); err != nil {
		t.Fatal(err)
	}
	remote, err := bucket.NewS3(t.Context(), bucket.S3Options{
		Bucket: "art", Endpoint: server.Endpoint, Region: server.Region, AccessKey: server.AccessKey, SecretKey: server.SecretKey, RootCAs: server.RootCAs,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range server.Environ() { // the SDK looks there itself
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	return map[string]*desk{
		"folder": newDesk(t, folder, []string{"NIGHTSHIFT_BUCKET=file://" + folder.Path("")}, rows...),
		"s3":     newDesk(t, remote, []string{"NIGHTSHIFT_BUCKET=s3://art"}, rows...),
	}
}

func TestPickAndExportEverywhere(t *testing.T) {
	for name, d := range desks(t, "axe", "bow") {
		t.Run(name, func(t *testing.T) {
			d.enqueue(t, exitDone, "pick", "night", "axe:2", "bow")
			d.enqueue(t, exitDone, "pick", "night", "--reject", "bow:1")
			marks := fmt.Sprintf(`{"batch":"night","mode":"test","bucket":"desk","picked":[{"row":"axe","job":"%s","image":"axe-1.png","n":1}],"rejected":[],"cleared":[{"row":"axe","job":"%s","image":"axe-2.png","n":2}]}`,
				d.jobs["axe"], d.jobs["axe"])
			file := filepath.Join(t.TempDir(), "picks.json")
			if err := os.WriteFile(file, []byte(marks), 0o666); err != nil {
				t.Fatal(err)
			}
			d.enqueue(t, exitDone, "pick", "night", "--file", file)
			out, _ := d.enqueue(t, exitDone, "pick", "--json", "night")
			var shown batch.Marked
			if err := json.Unmarshal([]byte(out), &shown); err != nil || shown.Picked != 2 || shown.Rejected != 1 || shown.Unmarked != 1 || len(shown.Marks) != 3 {
				t.Errorf("marks are %s (%v)", out, err)
			}
			dir := t.TempDir()
			d.enqueue(t, exitDone, "export", "night", dir, "--picked", "--layout", "{kind}/{id}_{n}.{ext}")
			if got, want := filesIn(t, dir), []string{"Big-axe/axe_1.png", "Big-bow/bow_2.png"}; !slices.Equal(got, want) {
				t.Errorf("exported are %v, want %v", got, want)
			}
			again, _ := d.enqueue(t, exitDone, "export", "night", dir, "--picked", "--layout", "{kind}/{id}_{n}.{ext}")
			if !strings.Contains(again, "0 picked images copied") || !strings.Contains(again, "2 there already") {
				t.Errorf("a second export says %q", again)
			}
		})
	}
}

// filesIn are the files below a folder, in order.
func filesIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			below, _ := filepath.Rel(dir, name) // it is below
			files = append(files, filepath.ToSlash(below))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
