package stories

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"nightshift/internal/app"
	"nightshift/internal/cli"
)

// pathVariable says how a story is told: by enqueue run where it is not set, by two
// workers and enqueue submit --watch where it is [pathFleet].
const (
	pathVariable = "STORY_PATH"
	pathFleet    = "fleet"
)

// toldByFleet begins a line of stories that are told by both.
const toldByFleet = "# Told by enqueue run, and by two workers."

// enqueueMain is the program enqueue. In a story of a fleet its command run is two workers
// and a submission that is watched, which live and die together as the one process would.
func enqueueMain(ctx context.Context) int {
	if os.Getenv(pathVariable) == pathFleet && len(os.Args) > 1 && os.Args[1] == "run" {
		code, err := runAsFleet(ctx, os.Args[2:])
		if err != nil {
			fmt.Fprintln(os.Stderr, "fleet of the story:", err)
			return 99
		}
		return code
	}
	return cli.Enqueue(ctx, app.Process{Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
}

// runAsFleet is enqueue run with these arguments. What its workers log goes to stderr.
func runAsFleet(ctx context.Context, args []string) (code int, err error) {
	runtime.LockOSThread() // the system kills the children when this thread ends
	out, rest := outOf(args)
	folder, err := filepath.Abs(out)
	if err != nil {
		return 0, err
	}
	environ := append(os.Environ(), "NIGHTSHIFT_BUCKET=file://"+folder, "NIGHTSHIFT_LISTEN=off", "NIGHTSHIFT_FLEET="+filepath.Base(folder))
	var workers []*exec.Cmd
	for range 2 {
		worker := child(environ, "worker")
		worker.Stderr = os.Stderr
		if err := worker.Start(); err != nil {
			return 0, err
		}
		workers = append(workers, worker)
	}
	submission := child(environ, "enqueue", append([]string{"submit", "--watch"}, rest...)...)
	submission.Stdout, submission.Stderr = os.Stdout, os.Stderr
	if err := submission.Start(); err != nil {
		return 0, err
	}
	defer context.AfterFunc(ctx, func() { _ = submission.Process.Signal(os.Interrupt) })() // it may have ended
	code, err = exitOf(submission.Wait())
	for _, worker := range workers {
		err = errors.Join(err, worker.Process.Signal(syscall.SIGTERM))
	}
	for i, worker := range workers {
		ended, failed := exitOf(worker.Wait())
		if failed == nil && ended > 0 { // below that it was told to stop before it had begun
			failed = fmt.Errorf("worker %d ended with %d", i+1, ended)
		}
		err = errors.Join(err, failed)
	}
	return code, err
}

// child is a program that dies with this process, in a process group of its own, so that
// signals reach it by this process alone.
func child(environ []string, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = environ
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return cmd
}

func exitOf(err error) (int, error) {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// outOf takes the folder out of the arguments of enqueue run.
func outOf(args []string) (out string, rest []string) {
	out = "out"
	for i := 0; i < len(args); i++ {
		switch value, is := strings.CutPrefix(args[i], "--out="); {
		case is:
			out = value
		case (args[i] == "--out" || args[i] == "-o") && i+1 < len(args):
			i++
			out = args[i]
		default:
			rest = append(rest, args[i])
		}
	}
	return out, rest
}
