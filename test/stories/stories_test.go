// Package stories tells what a user relies on, one story a script: the programs
// run as processes of their own, the simulator is the API, and its ledger is the
// judge of what was paid. README.md lists the commands that scripts have.
package stories

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"nightshift/internal/app"
	"nightshift/internal/simulator"
)

// atOnce is how many stories run at the same time, unless -parallel says otherwise:
// most of their time they wait.
const atOnce = "6"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOnce); err != nil { // before the command line is read
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"enqueue": program(func(ctx context.Context) int {
			return app.Enqueue(ctx, app.Process{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr})
		}),
		"worker": program(func(ctx context.Context) int {
			return app.Worker(ctx, app.Process{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr})
		}),
		"simulator": program(func(ctx context.Context) int {
			return simulator.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
		}),
	})
}

// program runs a main as the commands under cmd do: a signal stops it, a second
// one kills.
func program(main func(context.Context) int) func() {
	return func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop)
		os.Exit(main(ctx))
	}
}

func TestStories(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition:           condition,
		Setup: func(env *testscript.Env) error {
			env.Setenv("JOBS", filepath.Join(root, "jobs"))
			env.Setenv("DOCS", filepath.Join(root, "docs"))
			env.Setenv("DEPLOY", filepath.Join(root, "deploy"))
			env.Values[processesKey{}] = &processes{byName: make(map[string]*process)}
			env.Values[redisKey{}] = new(redisServer)
			env.Values[testKey{}] = env.T()
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":        exits,
			"start":        start,
			"signal":       sendSignal,
			"ends":         ends,
			"killatrandom": killAtRandom,
			"sim":          startSimulator,
			"fault":        setFaults,
			"waitfor":      waitFor,
			"ledger":       command(ledger),
			"images":       command(images),
			"json":         command(checkJSON),
			"lines":        command(countLines),
			"plain":        command(plain),
			"took":         took,
			"redis":        redisCommand,
			"away":         away,
			"hidden":       command(hidden),
			"revoke":       revoke,
			"restore":      restore,
			"stranger":     stranger,
			"let":          let,
		},
	})
}

// condition answers [mounts]: whether a script may mount file systems in a
// namespace of its own.
func condition(name string) (bool, error) {
	if name != "mounts" {
		return false, os.ErrInvalid
	}
	err := exec.Command("unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "story", os.TempDir()).Run()
	return err == nil, nil
}
