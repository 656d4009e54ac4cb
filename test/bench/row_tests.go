package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// These figures come from tests and benchmarks that stand beside the code.

const (
	streamPackage = "./internal/bucket"
	capsPackage   = "./internal/admission"
	capsTest      = "TestRaceToTheCap"
	chaosResult   = "test/chaos/result.json"
)

// goTest runs go test and returns what it printed.
func (l *lab) goTest(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-count=1"}, args...)...)
	cmd.Dir, cmd.Env = l.root, l.environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go test %v: %w: %s", args, err, bytes.TrimSpace(out[max(0, len(out)-600):]))
	}
	return string(out), nil
}

// streamRatio is the figure of a benchmark that relays and streams the same bytes, and
// to what.
var streamRatio = regexp.MustCompile(`(?m)^BenchmarkRelay/(\w+)\S*.*\s([0-9.]+) ratio\b`)

// measureStream runs the benchmarks of the bucket that compare with a bare relay.
func measureStream(ctx context.Context, l *lab) ([]line, error) {
	const what = "streaming to S3 against a bare relay of the same bytes, verified; to "
	out, err := l.goTest(ctx, "-run=^$", "-bench=Relay", "-benchtime="+pick(l, "3s", "1s"), "-count="+pick(l, "5", "1"), streamPackage)
	if err != nil {
		return nil, err
	}
	ratios := make(map[string][]float64)
	for _, found := range streamRatio.FindAllStringSubmatch(out, -1) {
		ratio, err := strconv.ParseFloat(found[2], 64)
		if err != nil {
			return nil, fmt.Errorf("read the ratio %q: %w", found[2], err)
		}
		ratios[found[1]] = append(ratios[found[1]], ratio)
	}
	if len(ratios) == 0 {
		return []line{{What: what + "a real server", Target: "at least 0.8", Measured: "no versitygw in PATH or NIGHTSHIFT_TEST_VERSITYGW", Verdict: notMeasured}}, nil
	}
	var rows []line
	for _, to := range slices.Sorted(maps.Keys(ratios)) {
		middle := median(ratios[to])
		rows = append(rows, line{
			What: what + to, Target: "at least 0.8",
			Measured: fmt.Sprintf("%.2f, median of %d (%.2f to %.2f)", middle, len(ratios[to]), slices.Min(ratios[to]), slices.Max(ratios[to])),
			Verdict:  verdictOf(middle >= 0.8),
		})
	}
	return rows, nil
}

// chaos is what the chaos test notes about its last run.
type chaos struct {
	Kills     int       `json:"kills"`
	PaidTwice int       `json:"paidTwice"`
	Lost      int       `json:"lost"`
	Passed    bool      `json:"passed"` // no other promise was broken either
	Ended     time.Time `json:"ended"`
}

// measureKills reports the last run of the chaos test, which takes too long to be
// run for a table.
func measureKills(_ context.Context, l *lab) ([]line, error) {
	row := line{What: "paid twice, or lost, over 1,000 kills at random points", Target: "0"}
	data, err := os.ReadFile(l.path(chaosResult))
	if errors.Is(err, fs.ErrNotExist) {
		row.Measured, row.Verdict = "no "+chaosResult+" of a run of the chaos test with -out result.json", notMeasured
		return []line{row}, nil
	}
	if err != nil {
		return nil, err
	}
	row.Measured, row.Verdict, err = readChaos(data)
	return []line{row}, err
}

func readChaos(data []byte) (string, verdict, error) {
	var c chaos
	if err := json.Unmarshal(data, &c); err != nil {
		return "", notMeasured, fmt.Errorf("read %s: %w", chaosResult, err)
	}
	text := fmt.Sprintf("%d paid twice, %d lost, over %d kills on %s", c.PaidTwice, c.Lost, c.Kills, c.Ended.UTC().Format(time.DateOnly))
	if !c.Passed {
		text += "; the run failed"
	}
	if c.PaidTwice+c.Lost > 0 || !c.Passed {
		return text, missed, nil
	}
	return text, verdictOf(c.Kills >= 1000), nil
}

// capsRaces counts the races of the test that were won by nobody.
var capsRaces = regexp.MustCompile(`(?m)^\s+--- PASS: ` + capsTest + `/`)

// measureCaps runs the race of four processes with 64 workers to eight caps. The
// test fails when any cap is passed at any moment that it looks.
func measureCaps(ctx context.Context, l *lab) ([]line, error) {
	row := line{What: "CU over any cap, 64 workers in 4 processes, real Redis", Target: "0"}
	started := time.Now()
	out, err := l.goTest(ctx, "-v", "-run=^"+capsTest+"$", capsPackage)
	if err != nil {
		row.Measured, row.Verdict = capsTest+" failed", missed
		return []line{row}, err
	}
	races := len(capsRaces.FindAllString(out, -1))
	row.Measured = fmt.Sprintf("0 in %d races to different caps (%s, %.0f s)", races, capsTest, time.Since(started).Seconds())
	row.Verdict = verdictOf(races > 0)
	return []line{row}, nil
}
