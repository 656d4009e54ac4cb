// Command mutants breaks the program on purpose and shows which promise the drawn nights
// find broken, after how many of them:
//
//	go run ./test/nights/mutants            # all
//	go run ./test/nights/mutants skip-the-grace no-parked-task
//
// A mutant is a patch beside this file, which begins with what is wrong in it. It is applied
// to a copy of what is committed. Where a line of its beginning is "Night: TestName", drawn
// nights bring about what it breaks seldom or never, and that night runs after they have let
// it pass.
// The exit code is 1 if a mutant is caught by no night, or does not apply any more.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const folder = "test/nights/mutants"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1) //nolint:forbidigo // this is a main
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	seeds := flags.Int("seeds", 64, "drawn nights to run a mutant through at the most")
	if err := flags.Parse(args); err != nil {
		return err
	}
	names := flags.Args()
	if len(names) == 0 {
		patches, err := filepath.Glob(filepath.Join(folder, "*.patch"))
		if err != nil || len(patches) == 0 {
			return errors.Join(err, errors.New("no patches; run it at the root of the repository"))
		}
		for _, patch := range patches {
			names = append(names, strings.TrimSuffix(filepath.Base(patch), ".patch"))
		}
	}
	copied, err := copyOf(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(copied)) }()
	var missed []string
	fmt.Fprintf(out, "%-26s %-7s %s\n", "MUTANT", "NIGHTS", "CAUGHT BY")
	for _, name := range names {
		caught, nights, err := try(ctx, copied, name, *seeds)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if caught == "" {
			missed = append(missed, name)
			caught = "nobody"
		}
		fmt.Fprintf(out, "%-26s %-7d %s\n", name, nights, caught)
	}
	if len(missed) > 0 {
		return fmt.Errorf("nobody catches %s", strings.Join(missed, ", "))
	}
	return nil
}

// tests is the built test and what it may take.
const (
	nightsTest = "nights.test"
	testTime   = 10 * time.Minute
)

// copyOf is a copy of what is committed; one for all mutants, of which most is built once.
func copyOf(ctx context.Context) (copied string, err error) {
	if copied, err = os.MkdirTemp("", "mutants-"); err != nil {
		return "", err
	}
	if err := command(ctx, "git", "clone", "-q", "--no-hardlinks", ".", copied); err != nil {
		return "", errors.Join(err, os.RemoveAll(copied))
	}
	return copied, nil
}

func command(ctx context.Context, name string, args ...string) error {
	if said, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, said)
	}
	return nil
}

// try applies a mutant to the copy and runs nights on it until one fails.
func try(ctx context.Context, copied, name string, seeds int) (caught string, nights int, err error) {
	patch, err := filepath.Abs(filepath.Join(folder, name+".patch"))
	if err != nil {
		return "", 0, err
	}
	for _, step := range [][]string{
		{"git", "-C", copied, "checkout", "-q", "."},
		{"git", "-C", copied, "apply", patch},
		{"go", "-C", copied, "test", "-c", "-o", nightsTest, "./test/nights"},
	} {
		if err := command(ctx, step[0], step[1:]...); err != nil {
			return "", 0, err
		}
	}
	const at = 8 // nights by nights, so that the first that fails ends it
	for first := 1; first <= seeds; first += at {
		said, err := nightsOf(ctx, copied, first, min(first+at-1, seeds))
		nights += at
		if promise := broken(said); promise != "" {
			return promise, firstFailed(said, nights), nil
		}
		if err != nil {
			return "it hangs or ends at once", nights, ctx.Err()
		}
	}
	named, err := namedNight(patch)
	if err != nil || named == "" {
		return "", nights, err
	}
	said, err := night(ctx, copied, "-test.run", "^"+named+"$")
	if err == nil || ctx.Err() != nil {
		return "", nights, ctx.Err()
	}
	if !strings.Contains(said, "--- FAIL: "+named) {
		return "", nights, fmt.Errorf("run %s: %w: %s", named, err, said)
	}
	return "no drawn night; " + named, nights, nil
}

var namesNight = regexp.MustCompile(`(?m)^Night: (Test\w+)$`)

// namedNight is the night that a patch names; "" if none.
func namedNight(patch string) (string, error) {
	text, err := os.ReadFile(patch)
	if err != nil {
		return "", err
	}
	if found := namesNight.FindSubmatch(text); found != nil {
		return string(found[1]), nil
	}
	return "", nil
}

func nightsOf(ctx context.Context, copied string, first, last int) (string, error) {
	return night(ctx, copied, "-test.run", "TestNight$", "-first", strconv.Itoa(first), "-seeds", strconv.Itoa(last))
}

// night runs nights and returns what they said.
func night(ctx context.Context, copied string, args ...string) (string, error) {
	nights := exec.CommandContext(ctx, filepath.Join(copied, nightsTest), append(args, "-test.timeout", testTime.String())...)
	nights.Dir = filepath.Join(copied, "test", "nights")
	said, err := nights.CombinedOutput()
	return string(said), err
}

var failed = regexp.MustCompile(`--- FAIL: TestNight/fixed/seed=(\d+)`)

// firstFailed is the lowest of the seeds whose nights failed; most if none is named.
func firstFailed(said string, most int) int {
	for _, found := range failed.FindAllStringSubmatch(said, -1) {
		if seed, err := strconv.Atoi(found[1]); err == nil {
			most = min(most, seed)
		}
	}
	return most
}

var finding = regexp.MustCompile(`seed \d+: ([a-z][a-z ]+): |(CU by key|CU are held|slots taken)`)

// broken is the promise that nights found broken, "" if none; several are told together.
func broken(said string) string {
	var promises []string
	for _, found := range finding.FindAllStringSubmatch(said, -1) {
		promise := found[1]
		if found[2] != "" {
			promise = "every book agrees with the ledger"
		}
		if !slices.Contains(promises, promise) {
			promises = append(promises, promise)
		}
	}
	return strings.Join(promises, "; ")
}
