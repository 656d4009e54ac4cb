package batch_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

func TestSourceOfABatch(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(path, text string) string {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	source := func(path, name string) batch.Source {
		t.Helper()
		m, err := manifest.Open(path)
		if err == nil && name != "" {
			err = m.Rename(name)
		}
		if err != nil {
			t.Fatal(err)
		}
		s, err := batch.SourceOf(m)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const table = "id,model,prompt\na,model_bfl-flux-1-dev,a fox\n"
	const named = "version: 1\nname: prompts\nmodel: m\nitems: [{id: a, prompt: x}]\n"
	spring, autumn := write("spring/prompts.csv", table), write("autumn/prompts.csv", table)
	if err := os.Symlink(filepath.Join(root, "spring"), filepath.Join(root, "current")); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		of, other batch.Source
		same      bool
	}{
		"a file":                     {source(spring, ""), source(spring, ""), true},
		"another folder":             {source(spring, ""), source(autumn, ""), false},
		"the folder by another name": {source(spring, ""), source(filepath.Join(root, "current/prompts.csv"), ""), true},
		"a stated name, elsewhere":   {source(write("a/n.yaml", named), ""), source(write("b/m.yaml", named), ""), true},
		"a file and a stated name":   {source(spring, ""), source(write("a/n.yaml", named), ""), false},
		"a name given to both":       {source(spring, "icons"), source(autumn, "icons"), true},
		"a name given to one":        {source(spring, "prompts"), source(autumn, ""), false},
		"none is known":              {batch.Source{}, source(autumn, ""), true},
	}
	for name, test := range tests {
		err := test.of.Check("test/prompts", test.other)
		_, input := errors.AsType[*job.InputError](err)
		if (err == nil) != test.same || err != nil && (!input || !strings.Contains(job.Hint(err), "--name") || !strings.Contains(job.Hint(err), "--replace")) {
			t.Errorf("%s: %v (%s)", name, err, job.Hint(err))
		}
	}
}
