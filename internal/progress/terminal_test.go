package progress

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// watch runs the evening on a virtual terminal and looks at it after each of the
// times, and at the end, when the view was stopped.
func watch(t *testing.T, v *vt, size func() (columns, rows int), look func(after time.Duration), times ...time.Duration) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		start := time.Now()
		landed := make(chan job.Result)
		view := startTerminal(v, size, func() Snapshot { return at(evening, start) }, landed)
		time.Sleep(500 * time.Millisecond)
		view.Println("go to", "http://127.0.0.1:8080/", "to watch")
		for _, after := range times {
			time.Sleep(after - time.Since(start))
			synctest.Wait()
			look(after)
			landed <- refused
		}
		view.Stop()
		view.Println("after all")
	})
}

// TestACtrlCLeavesNoRemains has the terminal show a Ctrl-C where the cursor stands,
// as terminals do.
func TestACtrlCLeavesNoRemains(t *testing.T) {
	t.Parallel()
	v := newVT(80)
	var after string
	watch(t, v, func() (int, int) { return 80, 50 }, func(time.Duration) {
		after = v.text()
		if _, err := v.Write([]byte("^C")); err != nil {
			t.Error(err)
		}
	}, time.Second, 2*time.Second)
	if strings.Contains(after, "^C") || !strings.Contains(after, "\n00:00:01 failed") {
		t.Errorf("the view after a Ctrl-C:\n%s", after)
	}
}

// startTerminal is Start with a terminal whose size the test sets.
func startTerminal(v *vt, size func() (int, int), snapshot func() Snapshot, landed <-chan job.Result) *View {
	style := Style{Terminal: true, Color: true}
	out := newOutlet(v, false)
	return start(out, newTerminal(out, style, size), liveEvery, snapshot, landed)
}

func TestLiveView(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{20, 40, 80, 140} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			v := newVT(columns)
			var pictures strings.Builder
			picture := func(title string) { fmt.Fprintf(&pictures, "== %s\n%s", title, v.text()) }
			watch(t, v, func() (int, int) { return columns, 50 },
				func(after time.Duration) { picture(after.String()) },
				time.Second, 2*time.Second, 4*time.Second, 15*time.Second, 30*time.Second, 101*time.Second)
			picture("the end")
			golden(t, fmt.Sprintf("live-%d.txt", columns), pictures.String())
			if len(v.strange) > 0 {
				t.Errorf("the terminal got %v", v.strange)
			}
		})
	}
}

// However the terminal is resized, nothing of an old frame stays behind.
func TestResize(t *testing.T) {
	t.Parallel()
	v := newVT(120)
	watch(t, v, func() (int, int) { return v.columns(), 50 },
		func(after time.Duration) {
			v.resize(map[time.Duration]int{11 * time.Second: 35, 15 * time.Second: 90, 22 * time.Second: 41, 40 * time.Second: 25}[after])
		},
		11*time.Second, 15*time.Second, 22*time.Second, 40*time.Second)
	text := v.text()
	if headlines := strings.Count(text, "potion-ic"); headlines != 1 {
		t.Errorf("%d frames are left:\n%s", headlines, text)
	}
	if !strings.HasPrefix(text, "go to http") || strings.Count(text, "failed") != 4 {
		t.Errorf("what was printed above is gone:\n%s", text)
	}
}

// A terminal of few rows gets the lines that matter most, so that the view never
// scrolls away under itself.
func TestFewRows(t *testing.T) {
	t.Parallel()
	m := moment{Snapshot: at(evening, time.Now().Add(-time.Minute)), now: time.Now()}
	for rows := 1; rows <= 10; rows++ {
		lines := frame(&m, 60, rows, true, false)
		if len(lines) > max(rows-1, 1) {
			t.Errorf("%d rows: %d lines", rows, len(lines))
		}
		if !strings.Contains(lines[0], "potion-icons") {
			t.Errorf("%d rows: the first line is %q", rows, lines[0])
		}
	}
}

// No line is ever as wide as the terminal, whatever is in it.
func TestFramesFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("薬と魔法 ", 40)
	m := moment{now: noon}
	m.Left, m.Pace, m.CU.InTheEnd = 23*time.Hour+50*time.Minute, 12345, 1<<50
	m.Phase, m.Mode, m.Batch, m.Started = Running, job.Test, long, noon.Add(-99*time.Hour)
	m.Images.Done, m.Images.Total = 999_999, 1_000_000
	m.Jobs.Running, m.Jobs.Queued, m.Jobs.Failed, m.Jobs.Unknown, m.Jobs.Storing, m.Jobs.Kept = 1e6, 1e6, 1e6, 1e6, 1e6, 1e6
	m.CU.Spent, m.CU.Reserved, m.CU.Cap = 1<<50, 1<<50, new(job.CU(1<<50))
	m.Waiting = Wait{Reason: job.WaitBackoff, Until: noon.Add(99 * time.Hour), Detail: long + strings.Repeat("x", 500)}
	for columns := 1; columns <= 250; columns++ {
		for i, line := range widths(frame(&m, columns, 0, true, false)) {
			if line >= max(columns, leastBar+1) {
				t.Errorf("%d columns: line %d has %d", columns, i, line)
			}
		}
	}
}

// Nothing is written while nothing changes but the countdowns of once a second.
func TestUnchangedFramesAreNotDrawn(t *testing.T) {
	t.Parallel()
	v := &countingVT{vt: newVT(80)}
	synctest.Test(t, func(*testing.T) {
		out := newOutlet(v, false)
		view := start(out, newTerminal(out, Style{Terminal: true}, func() (int, int) { return 80, 24 }), liveEvery,
			func() Snapshot { return Snapshot{Phase: Planning, Batch: "a"} }, nil)
		time.Sleep(10 * time.Minute)
		view.Stop()
	})
	if v.writes > 2 {
		t.Errorf("%d writes", v.writes)
	}
}

type countingVT struct {
	*vt
	writes int
}

func (v *countingVT) Write(p []byte) (int, error) {
	v.writes++
	return v.vt.Write(p)
}

// A terminal that refuses everything stops neither the run nor the view.
func TestBrokenTerminal(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]Style{"terminal": {Terminal: true}, "pipe": {}, "json": {JSON: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(*testing.T) {
				began := time.Now()
				view := Start(refusing{}, style, func() Snapshot { return at(evening, began) }, nil)
				time.Sleep(time.Minute)
				view.Println("hello")
				view.Stop()
			})
		})
	}
}

var errRefused = errors.New("terminal went away")

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, errRefused }
