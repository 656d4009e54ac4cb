// Package chaos runs a fleet of real processes, breaks them at random moments, and
// asks the provider's ledger and the bucket afterwards whether every
// promise was kept. README.md says how.
package chaos

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/cli"
	"nightshift/internal/simulator"
)

// The flags of a run. Without any it is short enough for CI.
var (
	killsFlag   = flag.Int("kills", 0, "kills of workers, Redis and S3 after which the run ends; 0 is a short run")
	seedFlag    = flag.Uint64("seed", 1, "of everything that is drawn; 0 draws one")
	outFlag     = flag.String("out", "", "file for the summary as JSON; by default one in the folder out")
	bucketFlag  = flag.String("bucket", "folder,s3", "comma-separated kinds of buckets, each with a run of its own")
	faultsFlag  = flag.String("faults", "", "comma-separated kinds of faults; by default all")
	workersFlag = flag.Int("workers", 0, "how many workers; by default 3 in a short run and 4 in a long one")
	paceFlag    = flag.Duration("pace", 0, "mean time between two faults; by default 1.5s in a short run and 4s in a long one")
	rateFlag    = flag.Int("rate", 0, "requests a minute of TestKillsAtTheRate, such as 40; without it that is skipped")
	limitFlag   = flag.Duration("limit", 8*time.Minute, "after the last fault, within which everything must be over")
)

// programVariable makes the test binary one of the programs.
const programVariable = "CHAOS_PROGRAM"

func TestMain(m *testing.M) {
	programs := map[string]func(context.Context, app.Process) int{
		"worker":  cli.Worker,
		"enqueue": cli.Enqueue,
		"simulator": func(ctx context.Context, p app.Process) int {
			return simulator.Main(ctx, p.Args, p.Stdout, p.Stderr)
		},
	}
	program := programs[os.Getenv(programVariable)]
	if program == nil {
		if code, ran := inNamespace(); ran {
			os.Exit(code)
		}
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(program(ctx, app.Process{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr}))
}

// insideVariable says that this process is in a namespace of its own.
const insideVariable = "CHAOS_INSIDE"

// inNamespace runs the tests in a namespace of their own, where the system lets them
// have one: a disk can be mounted there and filled up, and no process outlives the
// tests.
func inNamespace() (code int, ran bool) {
	own := []string{"--mount", "--pid", "--fork", "--kill-child", "--map-root-user"}
	if os.Getenv(insideVariable) != "" || exec.Command("unshare", append(own, "mount", "-t", "tmpfs", "tmpfs", os.TempDir())...).Run() != nil {
		return 0, false
	}
	self, err := os.Executable()
	if err != nil {
		return 0, false
	}
	inside := exec.Command("unshare", append(append(own, self), os.Args[1:]...)...)
	inside.Env = append(os.Environ(), insideVariable+"=1")
	inside.Stdin, inside.Stdout, inside.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := inside.Run(); err != nil && inside.ProcessState == nil {
		return 0, false
	}
	return inside.ProcessState.ExitCode(), true
}
