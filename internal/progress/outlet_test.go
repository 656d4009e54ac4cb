package progress

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// standing takes nothing until it is released.
type standing struct {
	released chan struct{}
	mu       sync.Mutex
	taken    bytes.Buffer
	pause    time.Duration // for each text after that
}

func (s *standing) Write(p []byte) (int, error) {
	<-s.released
	time.Sleep(s.pause)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken.Write(p)
}

func (s *standing) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken.String()
}

// A terminal that stands still for ever holds up neither who sends results nor who
// speaks, and Stop gives it up.
func TestStandingWriterHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]Style{"terminal": {Terminal: true}, "pipe": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out := &standing{released: make(chan struct{})}
				defer close(out.released)
				began, landed := time.Now(), make(chan job.Result)
				view := Start(out, style, func() Snapshot { return at(evening, began) }, landed)
				for i := range 3 * outletQueue {
					landed <- refused
					view.Println("note", i)
				}
				time.Sleep(time.Minute)
				if took := time.Since(began); took != time.Minute {
					t.Errorf("the results and notes took %s", took-time.Minute)
				}
				stopped := time.Now()
				view.Stop()
				view.Println("after all")
				if took := time.Since(stopped); took != patience {
					t.Errorf("Stop took %s, want %s", took, patience)
				}
			})
		})
	}
}

// A program that does not read holds up results and notes, and neither for longer
// than until Stop.
func TestStandingProgramIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &standing{released: make(chan struct{})}
		defer close(out.released)
		view := Start(out, Style{JSON: true}, func() Snapshot { return Snapshot{Phase: Running} }, nil)
		var notes sync.WaitGroup
		said := 0
		notes.Go(func() {
			for i := range 2 * outletQueue {
				view.Println("note", i)
				said++
			}
		})
		time.Sleep(time.Hour)
		synctest.Wait()
		if said < outletQueue-1 || said > outletQueue+1 {
			t.Errorf("%d notes were taken within an hour, want those that the queue holds", said)
		}
		began := time.Now()
		view.Stop()
		notes.Wait()
		if took := time.Since(began); took != patience {
			t.Errorf("Stop and the rest of the notes took %s, want %s", took, patience)
		}
	})
}

// A program that reads slowly gets every line.
func TestSlowProgramGetsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &standing{released: make(chan struct{}), pause: time.Second}
		close(out.released)
		view := Start(out, Style{JSON: true}, func() Snapshot { return Snapshot{Phase: Running} }, nil)
		const notes = 2 * outletQueue
		for i := range notes {
			view.Println("note", i)
		}
		view.Stop()
		view.Println("after all")
		text := out.text()
		if got := strings.Count(text, `"text":"note `); got != notes || !strings.Contains(text, fmt.Sprintf("note %d\"", notes-1)) {
			t.Errorf("%d of %d notes were written", got, notes)
		}
		if !strings.HasSuffix(text, "\"text\":\"after all\"}\n") {
			t.Errorf("the last line is %s", text[len(text)-100:])
		}
	})
}

// standingVT is a terminal that stands still for a while.
type standingVT struct {
	*vt
	stands chan struct{} // full while it does
}

func (s *standingVT) Write(p []byte) (int, error) {
	s.stands <- struct{}{}
	defer func() { <-s.stands }()
	return s.vt.Write(p)
}

// A terminal that goes on after it stood still shows one view, without remains of
// those before it, though some were lost that had fewer lines.
func TestTerminalGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &standingVT{vt: newVT(80), stands: make(chan struct{}, 1)}
		out := newOutlet(v, false)
		began, landed := time.Now(), make(chan job.Result)
		var short atomic.Bool
		snapshot := func() Snapshot {
			if short.Load() {
				return Snapshot{Phase: Finishing, Batch: "potion-icons"}
			}
			return at(evening, began)
		}
		view := start(out, newTerminal(out, Style{Terminal: true}, func() (int, int) { return 80, 50 }), liveEvery, snapshot, landed)
		time.Sleep(time.Second)
		v.stands <- struct{}{}
		for i := range 2 * outletQueue {
			short.Store(i > outletQueue+outletQueue/2)
			time.Sleep(liveEvery)
			landed <- refused
		}
		<-v.stands
		time.Sleep(time.Second)
		landed <- refused
		time.Sleep(time.Second)
		view.Stop()
		if frames := strings.Count(v.text(), "potion-icons"); frames != 1 {
			t.Errorf("%d frames are left:\n%s", frames, v.text())
		}
	})
}
