package image_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

func TestNames(t *testing.T) {
	t.Parallel()
	if got := image.Names("a/b.png"); !slices.Equal(got, []string{"a/b.png"}) {
		t.Errorf("a name without a mark may be %q", got)
	}
	if got, want := image.Names("a.{ext}"), []string{"a.png", "a.jpg", "a.webp"}; !slices.Equal(got, want) {
		t.Errorf("a name with a mark may be %q, want %q", got, want)
	}
	for name, want := range map[string]image.Format{
		"a.png": image.PNG, "a.JPEG": image.JPEG, "a.jpe": image.JPEG, "b/a.jfif": image.JPEG, "a.webp": image.WebP, "a.gif": "", "a": "", "a.v2": "",
	} {
		format, promised := image.ByName(name)
		if promises := want != "" || strings.HasSuffix(name, ".gif"); format != want || promised != promises {
			t.Errorf("%s promises %q, %t, want %q", name, format, promised, want)
		}
	}
}

// TestFields takes a sidecar through the named texts of a store and back.
func TestFields(t *testing.T) {
	t.Parallel()
	side := image.Sidecar{
		Metadata: image.Metadata{Batch: "b", Job: "j", Row: "r", Model: "m", Seed: "1", Inference: "i", Asset: "a", Index: 3},
		Image:    job.Image{Key: "x.gif", Asset: "a", Bytes: 9, Format: "png", Width: 4, Height: 5, CRC32: "00c0ffee"},
	}
	required, optional := side.Fields()
	fields := map[string]string{}
	for _, part := range []map[string]string{required, optional} {
		maps.Copy(fields, part)
	}
	got, ok := image.FromFields("x.gif", 9, fields)
	if !ok || !strings.Contains(got.Image.Warning, ".gif") {
		t.Errorf("of an image with another name: %+v, %t", got, ok)
	}
	got.Image.Warning = ""
	if diff := cmp.Diff(side, got); diff != "" {
		t.Errorf("sidecar (-want +got):\n%s", diff)
	}
	if _, ok := image.FromFields("x.gif", 8, fields); ok {
		t.Error("an object of another size has this sidecar")
	}
	for name := range required {
		if name != "index" && name != "bytes" && name != "size" {
			continue
		}
		broken := maps.Clone(fields)
		broken[name] = "x"
		if _, ok := image.FromFields("x.gif", 9, broken); ok {
			t.Errorf("a sidecar with the %s x is one", name)
		}
	}
}
