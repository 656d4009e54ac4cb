package statements

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/app"
	"nightshift/internal/cli"
	"nightshift/internal/redisclient"
	"nightshift/internal/redistest"
	"nightshift/internal/simulator"
)

const root = "../../"

// bed is a folder and an API in which commands run, in virtual time.
type bed struct {
	t      *testing.T
	sim    *simulator.Simulator
	folder string
	redis  redis.UniversalClient
}

// ended is how a command ended.
type ended struct {
	code      int
	out, errs string
}

// inBed runs a check with an API of its own.
func inBed(o simulator.Options, check func(b *bed)) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		folder := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			sim, err := simulator.New(o)
			if err != nil {
				t.Fatal(err)
			}
			server, client := redistest.Emulator(t)
			stop := redisclient.KeepTime(server)
			defer stop()
			check(&bed{t, sim, folder, client})
		})
	}
}

// write makes a file in the bed's folder and returns its path.
func (b *bed) write(name, content string) string {
	b.t.Helper()
	path := filepath.Join(b.folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// enqueue runs the program against the API, in the environment of one key and what is added.
func (b *bed) enqueue(environ []string, args ...string) ended {
	b.t.Helper()
	return b.enqueueUntil(b.t.Context(), environ, args...)
}

func (b *bed) enqueueUntil(ctx context.Context, environ []string, args ...string) ended {
	b.t.Helper()
	var out, errs bytes.Buffer
	code := cli.Enqueue(ctx, app.Process{
		Args: args,
		Environ: append([]string{
			"SCENARIO_API_URL=http://simulator/v1", "SCENARIO_API_KEY=sim", "SCENARIO_API_SECRET=sim",
			"NIGHTSHIFT_OUT=" + filepath.Join(b.folder, "out"), "NIGHTSHIFT_GRACE=20s",
		}, environ...),
		Stdout: &out, Stderr: &errs, Transport: simulator.Transport(b.sim), Redis: b.redis,
	})
	return ended{code, out.String(), errs.String()}
}

// wants checks how a command ended, and that its messages hold a text.
func (b *bed) wants(e ended, code int, text string) {
	b.t.Helper()
	if e.code != code || !strings.Contains(e.out+e.errs, text) {
		b.t.Errorf("it ended with %d, want %d and %q; it said:\n%s%s", e.code, code, text, e.out, e.errs)
	}
}

// nothingPaid checks that the API accepted nothing.
func (b *bed) nothingPaid() {
	b.t.Helper()
	if n := b.sim.Totals().Accepted; n > 0 {
		b.t.Errorf("%d requests were accepted", n)
	}
}

// constant checks the value of a constant as it stands in the source.
func constant(file, name, want string) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, root+file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, named := range spec.Names {
				if named.Name == name && i < len(spec.Values) {
					var text bytes.Buffer
					if err := printer.Fprint(&text, set, spec.Values[i]); err != nil {
						t.Fatal(err)
					}
					got = text.String()
				}
			}
			return true
		})
		if got != want {
			t.Errorf("%s in %s is %q, and the sentence is true of %q", name, file, got, want)
		}
	}
}

// all is a check of several.
func all(checks ...func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		for _, check := range checks {
			check(t)
		}
	}
}
