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
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"nightshift/internal/app"
	"nightshift/internal/cli"
	"nightshift/internal/longtest"
	"nightshift/internal/simulator"
)

// atOnce is how many stories run at the same time, unless -parallel says otherwise:
// most of their time they wait.
const atOnce = "16"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOnce); err != nil { // before the command line is read
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"enqueue": program(enqueueMain),
		"worker": program(func(ctx context.Context) int {
			return cli.Worker(ctx, app.Process{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr})
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
	tell(t, "", files(t, func(string) bool { return true }))
}

// TestStoriesOfAFleet tells the stories again that make sense for a fleet: what they
// start as enqueue run is two workers on a Redis server, with the folder as their bucket,
// and a submission that is watched. A short run leaves out those that are the same for both.
func TestStoriesOfAFleet(t *testing.T) {
	t.Parallel()
	tell(t, pathFleet, files(t, func(text string) bool {
		return strings.Contains(text, toldByFleet) && (longtest.All() || differs.MatchString(text))
	}))
}

// differs finds lines of one of the two.
var differs = regexp.MustCompile(`(?m)^\[!?fleet\]`)

// isLong begins a line of stories that wait for about a minute.
const isLong = "# Takes about a minute."

// files lists the stories whose text is wanted, first those that take long.
func files(t *testing.T, wanted func(text string) bool) []string {
	t.Helper()
	all, err := filepath.Glob("*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var long, others []string
	for _, file := range all {
		text, err := os.ReadFile(file)
		switch {
		case err != nil:
			t.Fatal(err)
		case !wanted(string(text)):
		case strings.Contains(string(text), isLong):
			long = append(long, file)
		default:
			others = append(others, file)
		}
	}
	return append(long, others...)
}

// tell runs stories on a path.
func tell(t *testing.T, path string, files []string) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition:           func(name string) (bool, error) { return condition(name, path) },
		Setup: func(env *testscript.Env) error {
			env.Setenv("JOBS", filepath.Join(root, "jobs"))
			env.Setenv("DOCS", filepath.Join(root, "docs"))
			env.Setenv("DEPLOY", filepath.Join(root, "deploy"))
			env.Values[processesKey{}] = &processes{byName: make(map[string]*process)}
			env.Values[redisKey{}] = new(redisServer)
			env.Values[testKey{}] = env.T()
			if path == pathFleet {
				return setFleet(env)
			}
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
// namespace of its own; and [fleet]: whether it is told by two workers.
func condition(name, path string) (bool, error) {
	switch name {
	case pathFleet:
		return path == pathFleet, nil
	case "mounts":
		err := exec.Command("unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "story", os.TempDir()).Run()
		return err == nil, nil
	default:
		return false, os.ErrInvalid
	}
}
