package progress

import (
	"errors"
	"io"
	"slices"
	"time"
)

const (
	// outletQueue is how many lines or frames may wait for a writer that is slow.
	outletQueue = 256
	// patience is how long Stop waits for a writer that takes nothing.
	patience = 5 * time.Second
)

// errLost says that the writer stands still, so that a text was dropped.
var errLost = errors.New("nothing is written while the writer stands still")

// outlet stands between the view and the writer that shows it. A goroutine of its
// own writes, so that a writer that stands still (Ctrl-S on a terminal, a pager that
// nobody scrolls) holds up neither the view nor who speaks through it. Then texts
// are lost; a patient outlet, for programs, waits for room instead, until it is told
// that time is up.
//
// Write and close are called one at a time.
type outlet struct {
	out     io.Writer
	patient bool
	queue   chan []byte
	wrote   chan struct{} // hears of a text that was written, if anybody listens
	late    chan struct{} // closed when nothing is waited for any more
	done    chan struct{} // closed when the goroutine has ended
	closed  bool
}

func newOutlet(out io.Writer, patient bool) *outlet {
	o := &outlet{
		out: out, patient: patient,
		queue: make(chan []byte, outletQueue), wrote: make(chan struct{}),
		late: make(chan struct{}), done: make(chan struct{}),
	}
	go o.run()
	return o
}

// run ends when the outlet is closed and all is written. It stays behind only in a
// writer that never comes back.
func (o *outlet) run() {
	defer close(o.done)
	for text := range o.queue {
		_, _ = o.out.Write(text) // what is refused is lost, as [Start] says
		select {
		case o.wrote <- struct{}{}:
		default:
		}
	}
}

// hurry begins to give up a writer that takes nothing. It ends with the outlet.
func (o *outlet) hurry() {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-o.wrote:
			timer.Reset(patience)
		case <-timer.C:
			close(o.late)
			return
		case <-o.done:
			return
		}
	}
}

// Write returns errLost for a text that will not be written. After close it writes
// at once.
func (o *outlet) Write(text []byte) (int, error) {
	if o.closed {
		select {
		case <-o.done:
			return o.out.Write(text)
		default:
			return 0, errLost // the writer never came back
		}
	}
	text = slices.Clone(text)
	select {
	case o.queue <- text:
		return len(text), nil
	default:
	}
	if !o.patient {
		return 0, errLost
	}
	select {
	case o.queue <- text:
		return len(text), nil
	case <-o.late:
		return 0, errLost
	}
}

// close waits until all is written or time is up.
func (o *outlet) close() {
	close(o.queue)
	o.closed = true
	select {
	case <-o.done:
	case <-o.late:
	}
}
