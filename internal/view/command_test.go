package view

import (
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
)

func TestCommandsNameTheirBatch(t *testing.T) {
	t.Chdir(t.TempDir())
	b, err := bucket.NewLocal("out")
	if err != nil {
		t.Fatal(err)
	}
	v := View{Bucket: b, Settings: config.Settings{Output: config.DefaultOutput}}
	r := &BatchInfo{Batch: "test/a", Submission: &batch.Submission{Batch: "test/a", Manifest: "my a.yaml"}}
	for hint, want := range map[string]string{
		"decide with enqueue resolve, then run again":           "decide with enqueue resolve test/a, then run again",
		"go on with enqueue resume":                             "go on with enqueue resume test/a",
		"look at it, or enqueue resume test/a":                  "look at it, or enqueue resume test/a",
		"submit it again; to give the batch up, enqueue cancel": "submit it again; to give the batch up, enqueue cancel test/a",
		"look at the prices with enqueue plan; then":            "look at the prices with enqueue plan 'my a.yaml'; then",
		"raise budget.cu":                                       "raise budget.cu",
	} {
		if got := v.named(t.Context(), r, hint); got != want {
			t.Errorf("%q becomes %q, want %q", hint, got, want)
		}
	}
}

func TestCommandsWorkWhereTheyAreRead(t *testing.T) {
	here, elsewhere := t.TempDir(), t.TempDir()
	t.Chdir(here)
	here, err := filepath.EvalSymlinks(here)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		folder string
		o      batch.Submission
		want   string
	}{
		"below":             {"out", batch.Submission{Manifest: "b.yaml", File: filepath.Join(here, "art", "b.yaml")}, "enqueue run art/b.yaml"},
		"a folder's blanks": {"out", batch.Submission{Manifest: "b.yaml", File: filepath.Join(here, "my art", "b.yaml")}, "enqueue run 'my art/b.yaml'"},
		"elsewhere":         {"out", batch.Submission{Manifest: "b.yaml", File: filepath.Join(elsewhere, "b.yaml")}, "enqueue run " + filepath.Join(elsewhere, "b.yaml")},
		"named":             {"out", batch.Submission{Manifest: "b.yaml", File: filepath.Join(here, "b.yaml"), Name: "two words", Renamed: true}, "enqueue run --name 'two words' b.yaml"},
		"another folder":    {"other place", batch.Submission{Manifest: "b.yaml", File: filepath.Join(here, "b.yaml")}, "enqueue run --out 'other place' b.yaml"},
		"of before":         {"out", batch.Submission{Manifest: "b.yaml"}, "enqueue run b.yaml"},
	} {
		b, err := bucket.NewLocal(c.folder)
		if err != nil {
			t.Fatal(err)
		}
		v := View{Bucket: b, Settings: config.Settings{Output: config.DefaultOutput}}
		if err := b.Put(t.Context(), "x", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
		if got := v.RunCommand(&c.o); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A live batch of the name of a test batch is told apart.
func TestArg(t *testing.T) {
	t.Parallel()
	b, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := batch.WriteSubmission(t.Context(), b, &batch.Submission{Batch: "test/icons"}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"icons": "live/icons", "test/icons": "test/icons", "others": "others", "größe 2": "'größe 2'"} {
		if got := Arg(t.Context(), b, id); got != want {
			t.Errorf("%s is called %s, want %s", id, got, want)
		}
	}
}
