package progress

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"nightshift/internal/job"
)

func TestLinesOnAPipe(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	play(t, Style{}, &out)
	golden(t, "pipe.txt", out.String())
}

func TestQuiet(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	play(t, Style{Quiet: true, Terminal: true, Color: true, Width: 80}, &out)
	golden(t, "quiet.txt", out.String())
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	play(t, Style{JSON: true, Terminal: true, Color: true}, &out)
	golden(t, "lines.jsonl", out.String())
	for line := range strings.Lines(out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestQuietJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	play(t, Style{JSON: true, Quiet: true}, &out)
	golden(t, "quiet.jsonl", out.String())
}

// A pipe hears of every phase at once, of other changes no more often than every
// five seconds, and of a run in which nothing happens every thirty.
func TestPipeIsNeitherSilentNorChatty(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		start := time.Now()
		view := Start(&out, Style{}, func() Snapshot {
			s := Snapshot{Phase: Running}
			s.Images.Total = 1000
			s.Images.Done = int(min(time.Since(start), time.Minute) / (100 * time.Millisecond))
			return s
		}, nil)
		time.Sleep(4 * time.Minute)
		view.Stop()
	})
	// One at the start, twelve in the minute of changes, then six signs of life.
	if lines := strings.Count(out.String(), "\n"); lines != 19 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}

// Results that nobody reads any more do not keep Stop from returning, and those
// that have landed before are told.
func TestStopDrainsAndLeaves(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		landed := make(chan job.Result, 3)
		view := Start(&out, Style{Quiet: true}, func() Snapshot { return Snapshot{Phase: Done} }, landed)
		synctest.Wait()
		landed <- refused
		landed <- refused
		view.Stop()
		landed <- refused
	})
	if told := strings.Count(out.String(), "failed"); told != 2 {
		t.Errorf("%d failures were told:\n%s", told, out.String())
	}
}

// A closed channel of results is not read again and again.
func TestResultsMayEnd(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		landed := make(chan job.Result)
		view := Start(&out, Style{}, func() Snapshot { return Snapshot{Phase: Running} }, landed)
		close(landed)
		synctest.Wait() // would never come back
		view.Stop()
	})
}

// FuzzEscapeInvisible: a line of JSON moves no cursor, whatever it holds.
func FuzzEscapeInvisible(f *testing.F) {
	f.Add("a\x1b[31m\u009b2J\x1b]0;t\x07\n\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if line := escapeInvisible(s); strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("escapeInvisible(%q) = %q", s, line)
		}
	})
}
