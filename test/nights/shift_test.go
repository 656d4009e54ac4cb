package nights

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/app"
	"nightshift/internal/cli"
	"nightshift/internal/job"
	"nightshift/internal/report"
)

// shift is one `enqueue run` of a night.
type shift struct {
	night  *night
	cancel context.CancelFunc
	over   chan struct{} // closed when code is set
	code   int
	out    told
	log    logged
}

// run starts the program on the batch, with all that belongs to it.
func (n *night) run() *shift {
	n.t.Helper()
	return n.runOn(n.client)
}

// runOn starts the program that reaches Redis by a way of its own.
func (n *night) runOn(client redis.UniversalClient) *shift {
	n.t.Helper()
	ctx, cancel := context.WithCancel(n.t.Context())
	s := &shift{night: n, cancel: cancel, over: make(chan struct{})}
	process := app.Process{
		Args: []string{"run", "--json", "--out", n.folder, n.file}, Environ: n.environ,
		Stdout: &s.out, Stderr: &s.log, Transport: n.wire, Redis: client,
	}
	go func() {
		defer close(s.over)
		s.code = cli.Enqueue(ctx, process)
	}()
	n.shifts = append(n.shifts, s)
	return s
}

// end waits for the end of the run and returns its exit code.
func (s *shift) end(limit time.Duration) int {
	s.night.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.over:
		return s.code
	case <-timer.C:
		s.night.t.Fatalf("after %s of virtual time the run goes on: %s\n%s", limit, s.out.last(), s.log.text())
		return 0
	}
}

// complete waits for the end of a run in which every job is to succeed.
func (s *shift) complete(limit time.Duration) {
	s.night.t.Helper()
	if code := s.end(limit); code != exitDone {
		s.night.noneFailed()
		s.night.t.Fatalf("the run ended with code %d: %s\n%s", code, s.out.last(), s.log.text())
	}
}

// interrupt ends the run as Ctrl-C does.
func (s *shift) interrupt() {
	s.cancel()
	<-s.over
}

// waited is for how long the lane stood still for a reason, by report.json.
func (s *shift) waited(reason job.WaitReason) time.Duration {
	s.night.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.night.folder, s.night.manifest.Batch(), "report.json"))
	var sums report.Report
	if err == nil {
		err = json.Unmarshal(data, &sums)
	}
	if err != nil {
		s.night.t.Fatal(err)
	}
	return time.Duration(sums.WaitedSeconds[reason] * float64(time.Second))
}

// running reports whether the run goes on.
func (s *shift) running() bool {
	select {
	case <-s.over:
		return false
	default:
		return true
	}
}

// runLine is a line of what a run tells programs.
type runLine struct {
	Type                               string
	Time                               time.Time
	Phase, Text, Outcome, Reason, Hint string
	Waiting                            *waiting
	Jobs                               struct{ Succeeded, Failed, Running, Queued, Unknown, NotRun int }
}

// waiting is what a run says that it waits for.
type waiting struct {
	Reason job.WaitReason
	Until  time.Time
	Detail string
}

// told is what a run tells programs.
type told struct {
	mu    sync.Mutex
	lines []runLine
	text  []string
}

// Write takes one line.
func (o *told) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for text := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n") {
		var line runLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			return 0, err
		}
		o.lines, o.text = append(o.lines, line), append(o.text, text)
	}
	return len(data), nil
}

// last is the last line as it was written.
func (o *told) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.text) == 0 {
		return "it said nothing"
	}
	return o.text[len(o.text)-1]
}

// summary is the last line of a run that is over.
func (o *told) summary() runLine {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.lines) == 0 {
		return runLine{}
	}
	return o.lines[len(o.lines)-1]
}

// waits are all that the run said it waits for, one after the other.
func (o *told) waits() []waiting {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []waiting
	for _, line := range o.lines {
		if line.Waiting != nil && (len(all) == 0 || all[len(all)-1] != *line.Waiting) {
			all = append(all, *line.Waiting)
		}
	}
	return all
}

// waitedFor is the first wait for a reason, or nil.
func (o *told) waitedFor(reason job.WaitReason) *waiting {
	for _, wait := range o.waits() {
		if wait.Reason == reason {
			return &wait
		}
	}
	return nil
}

// reached reports whether the run came to a phase.
func (o *told) reached(phase string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.lines, func(l runLine) bool { return l.Phase == phase })
}

// said reports whether a message contains a text.
func (o *told) said(text string) bool { return o.count(text) > 0 }

// count is how many messages contain a text.
func (o *told) count(text string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	count := 0
	for _, line := range o.lines {
		if line.Type == "message" && strings.Contains(line.Text, text) {
			count++
		}
	}
	return count
}

// logged is what a run writes to stderr.
type logged struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logged) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(data)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}
