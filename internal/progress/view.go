package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

const (
	liveEvery  = 250 * time.Millisecond // between looks at the run for a live view
	phaseEvery = 500 * time.Millisecond // and for lines, so that a new phase is told soon
	signOfLife = 30 * time.Second       // the longest silence of a pipe
	failedMark = "failed"               // begins the line of a failure
)

// sink is one way of showing. Its methods are called one at a time.
type sink interface {
	// show takes the state of now; last says that it is the last one.
	show(m moment, last bool)
	stored(now time.Time, r *job.Result)
	message(now time.Time, text string)
	close()
}

// moment is a snapshot with its time.
type moment struct {
	Snapshot
	now time.Time
}

// leftKnown reports whether it is known how long it takes.
func (m *moment) leftKnown() bool { return m.Left > 0 && m.Phase == Running }

// View shows a run while it goes on. Its methods may be called from anywhere.
type View struct {
	snapshot func() Snapshot
	results  <-chan job.Result
	every    time.Duration

	stop    chan struct{}
	stopped sync.Once
	done    sync.WaitGroup

	turn   chan struct{} // full while somebody is at the sink
	sink   sink
	outlet *outlet // what the sink writes to
}

// Start shows the run on out until [View.Stop]. It asks snapshot for the state a
// few times a second, from one goroutine, so snapshot must be quick and safe to
// call beside the run.
//
// Those that arrive on results are read until it is closed or the view stops: a
// failure is printed at once, a success only as JSON. results may be nil. Whoever
// sends must not rely on being read once Stop was called.
//
// What out refuses to take is lost: a run does not fail because nobody looks. What
// comes while out stands still is lost too, beyond the first few hundred lines, and
// holds up nobody. Only as JSON nothing is left out: a program that does not read
// holds up the results and Println, until Stop.
func Start(out io.Writer, s Style, snapshot func() Snapshot, results <-chan job.Result) *View {
	outlet := newOutlet(Screen(out, s), s.JSON)
	switch {
	case s.JSON:
		return start(outlet, &jsonLines{out: outlet, quiet: s.Quiet}, phaseEvery, snapshot, results)
	case s.Terminal && !s.Quiet:
		return start(outlet, newTerminal(outlet, s, sizeOf(out, s)), liveEvery, snapshot, results)
	default:
		return start(outlet, &lines{out: outlet, quiet: s.Quiet}, phaseEvery, snapshot, results)
	}
}

// start shows the run in a way, looking at it every so often.
func start(outlet *outlet, sink sink, every time.Duration, snapshot func() Snapshot, results <-chan job.Result) *View {
	v := &View{
		snapshot: snapshot, results: results, every: every, stop: make(chan struct{}),
		turn: make(chan struct{}, 1), sink: sink, outlet: outlet,
	}
	v.done.Go(v.run)
	return v
}

// Stop shows the last state once, with the results that have come, leaves the
// terminal clean and returns when nothing of the view is left. A writer that takes
// nothing for 5 s is given up: what is not written by then is lost, and the one
// goroutine that is in the writer stays there. Stop may be called again.
func (v *View) Stop() {
	v.stopped.Do(func() {
		var hurry sync.WaitGroup
		hurry.Go(v.outlet.hurry)
		close(v.stop)
		v.done.Wait()
		v.turn <- struct{}{}
		v.outlet.close()
		<-v.turn
		hurry.Wait()
	})
}

// Println writes its arguments as [fmt.Println] does, above a live view, and as a
// message where the output is JSON. Escape sequences do not pass. After Stop it
// still writes, unless the writer stood still then.
func (v *View) Println(args ...any) {
	v.turn <- struct{}{}
	defer func() { <-v.turn }()
	v.sink.message(time.Now(), text.CleanLines(fmt.Sprintln(args...)))
}

func (v *View) run() {
	ticker := time.NewTicker(v.every)
	defer ticker.Stop()
	v.show(false)
	results := v.results
	for {
		select {
		case <-v.stop:
			v.drain(results)
			v.show(true)
			return
		case <-ticker.C:
			v.show(false)
		case result, open := <-results:
			if !open {
				results = nil
				continue
			}
			v.stored(&result)
		}
	}
}

// drain takes the results that are there without waiting for more.
func (v *View) drain(results <-chan job.Result) {
	for {
		select {
		case result, open := <-results:
			if !open {
				return
			}
			v.stored(&result)
		default:
			return
		}
	}
}

func (v *View) stored(result *job.Result) {
	v.turn <- struct{}{}
	defer func() { <-v.turn }()
	v.sink.stored(time.Now(), result)
}

// show asks for the state before it takes its turn: the answer may take a while.
func (v *View) show(last bool) {
	m := moment{Snapshot: v.snapshot(), now: time.Now()}
	v.turn <- struct{}{}
	defer func() { <-v.turn }()
	v.sink.show(m, last)
	if last {
		v.sink.close()
	}
}
