package plan_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// writtenPlan is a plan as it is stored.
func writtenPlan(tb testing.TB, p *plan.Plan) []byte {
	tb.Helper()
	text, err := io.ReadAll(p.Lines())
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func TestLinesAreTheSameForSeveralReaders(t *testing.T) {
	t.Parallel()
	p := mustMake(t, planOptions(t, rows(3000)))
	want := writtenPlan(t, p)
	if jobs := decoded(t, bytes.NewReader(want)); len(jobs) != 3000 || jobs[2999].Index != 2999 || jobs[2999].Quote == 0 {
		t.Fatalf("%d jobs, want 3000 with their places and prices", len(jobs))
	}
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			if err := iotest.TestReader(p.Lines(), want); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
}

func TestLinesOfAClosedPlan(t *testing.T) {
	t.Parallel()
	p := mustMake(t, planOptions(t, rows(3)))
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := io.ReadAll(p.Lines()); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("error %v, want %v", err, os.ErrInvalid)
	}
}

// TestPlanIsOfWhatWasChecked edits the manifest once it is planned, so that neither
// its size nor its time tells.
func TestPlanIsOfWhatWasChecked(t *testing.T) {
	t.Parallel()
	m := open(t, "m.jsonl", rows(5))
	p := mustMake(t, plan.Options{Manifest: m, Catalog: newCatalog(t)})
	want := writtenPlan(t, p)
	info, err := os.Stat(m.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.Path, []byte(strings.ReplaceAll(rows(5), "lantern 3", "lantern 8")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(m.Path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(writtenPlan(t, p))); diff != "" {
		t.Errorf("the plan changed with the manifest (-want +got):\n%s", diff)
	}
}

// TestManifestChangesWhileItIsRead changes it when its first row asks for its model.
func TestManifestChangesWhileItIsRead(t *testing.T) {
	t.Parallel()
	text := rows(5000)
	changes := map[string]struct {
		change func(path string) error
		found  bool
	}{
		"grown": {func(path string) error { return os.WriteFile(path, []byte(text+row("")+"\n"), 0o600) }, true},
		"cut":   {func(path string) error { return os.Truncate(path, int64(len(text)-len(text)/4)) }, true},
		"edited": {func(path string) error {
			return os.WriteFile(path, []byte(strings.Replace(text, "lantern 4999", "lantern 0000", 1)), 0o600)
		}, true},
		"replaced by another file": {func(path string) error {
			other := filepath.Join(filepath.Dir(path), "other")
			return errors.Join(os.WriteFile(other, []byte(rows(1)), 0o600), os.Rename(other, path))
		}, false},
	}
	for name, test := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, c := open(t, "m.jsonl", text), newCatalog(t)
			var once sync.Once
			c.fail = func(string, string) (err error) {
				once.Do(func() { err = test.change(m.Path) })
				return err
			}
			p, err := plan.Make(t.Context(), plan.Options{Manifest: m, Catalog: c})
			switch {
			case test.found && (err == nil || !strings.Contains(err.Error(), "the file has changed since it was opened")):
				t.Errorf("error %v, want one that says that the file has changed", err)
			case !test.found && err != nil:
				t.Error(err)
			case !test.found:
				if jobs := all(t, p); len(jobs) != 5000 {
					t.Errorf("%d jobs, want those of the file that was opened", len(jobs))
				}
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
			if len(c.dryRuns) > 0 && test.found {
				t.Errorf("%d dry runs for a manifest that changed", len(c.dryRuns))
			}
		})
	}
}

// TestTemporaryFileIsGone looks for what plans leave behind, however they end.
func TestTemporaryFileIsGone(t *testing.T) {
	folder := t.TempDir()
	ends := map[string]func(o *plan.Options, c *catalog){
		"success":       func(*plan.Options, *catalog) {},
		"problems":      func(o *plan.Options, _ *catalog) { o.Manifest = open(t, "m.jsonl", rows(3)+"not json\n") },
		"names collide": func(o *plan.Options, _ *catalog) { o.Manifest = open(t, "m.jsonl", rows(2)+rows(1)) },
		"price refused": func(_ *plan.Options, c *catalog) { c.fail = failingCall("dry run", job.ErrInvalid) },
		"provider fails": func(_ *plan.Options, c *catalog) {
			c.fail = failingCall("model", &job.AccessError{Access: job.AccessKey})
		},
	}
	for name, prepare := range ends {
		t.Run(name, func(t *testing.T) {
			c := newCatalog(t)
			o := plan.Options{Manifest: open(t, "m.jsonl", rows(3)), Catalog: c}
			prepare(&o, c)
			t.Setenv("TMPDIR", folder)
			t.Setenv("TMP", folder)
			p, err := plan.Make(t.Context(), o)
			if good := name == "success"; good != (err == nil) {
				t.Errorf("error %v", err)
			}
			if p != nil {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("%v are left, %v", left, err)
			}
		})
	}
}

// failingCall makes a kind of call fail.
func failingCall(kind string, err error) func(call, model string) error {
	return func(call, _ string) error {
		if call == kind {
			return err
		}
		return nil
	}
}

func TestNoTemporaryFolder(t *testing.T) {
	o := planOptions(t, rows(3))
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	t.Setenv("TMPDIR", nowhere)
	t.Setenv("TMP", nowhere)
	_, err := plan.Make(t.Context(), o)
	if hint := job.Hint(err); err == nil || !strings.Contains(hint, nowhere) || !strings.Contains(hint, "TMPDIR") {
		t.Errorf("error %v with the hint %q, want one that names the folder and TMPDIR", err, hint)
	}
}
