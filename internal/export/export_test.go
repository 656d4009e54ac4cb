package export_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	bucketimage "nightshift/internal/bucket/image"
	"nightshift/internal/export"
	"nightshift/internal/job"
)

// What stands in the way is found before anything is copied, and a second call copies nothing.
func TestImages(t *testing.T) {
	t.Parallel()
	b := batchtest.Local(t)
	for i, row := range []string{"axe", "bow"} {
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8+i, 8))); err != nil {
			t.Fatal(err)
		}
		id, output := job.Identify("model_x", nil, []string{row}), row+".{ext}"
		stored, err := b.PutImage(t.Context(), bucketimage.Put{
			Name: "night/" + output, Body: &picture, Length: int64(picture.Len()), Metadata: bucketimage.Metadata{Batch: "night", Job: id, Row: row, Asset: "asset_" + row},
		})
		if err != nil {
			t.Fatal(err)
		}
		result := job.Result{Job: id, Index: i, Row: row, State: job.Succeeded, Model: "model_x", Outputs: []string{output}, Images: []job.Image{stored}}
		if err := batch.NewLog(b, "night").Append(t.Context(), result); err != nil {
			t.Fatal(err)
		}
	}
	folder := batch.NewFolder(b, "night")
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, "bow.png"), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir  string
		o    export.Options
		want string
	}{
		"nothing is picked":    {t.TempDir(), export.Options{Picked: true}, "no image of batch night is picked"},
		"two of one name":      {t.TempDir(), export.Options{Layout: "{n}.{ext}"}, "would both be copied to 1.png"},
		"another is there":     {taken, export.Options{}, "is there and is not bow.png of row bow"},
		"not known in layouts": {t.TempDir(), export.Options{Layout: "{size}.{ext}"}, "{size}"},
	} {
		_, err := export.Images(t.Context(), folder, c.dir, c.o)
		if _, input := errors.AsType[*job.InputError](err); !input || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(c.dir, "axe.png")); !os.IsNotExist(err) {
			t.Errorf("%s: something was copied (%v)", name, err)
		}
	}
	dir := t.TempDir()
	for _, want := range []struct{ copied, there int }{{2, 0}, {0, 2}} {
		done, err := export.Images(t.Context(), folder, dir, export.Options{Layout: "{model}/{id}.{ext}"})
		if err != nil || done.Copied != want.copied || done.There != want.there || done.Files[1].File != "model_x/bow.png" {
			t.Errorf("done is %+v (%v), want %+v", done, err, want)
		}
	}
}
