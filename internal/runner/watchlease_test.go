package runner

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// oneLease is a lease that nobody else wants.
type oneLease struct {
	held bool
	// holding, if set, is called while it is being taken.
	holding func()
}

func (l *oneLease) Hold(context.Context) (bool, error) {
	if l.holding != nil {
		l.holding()
	}
	l.held = true
	return true, nil
}

func (l *oneLease) Drop(context.Context) error {
	l.held = false
	return nil
}

// TestWatchIsPassedOn has a process leave the watch to others for a while, also where the
// recovery beside the watcher is about to take it.
func TestWatchIsPassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		behind := &oneLease{}
		lease := &watchLease{Lease: behind}
		takes := func(want bool) {
			t.Helper()
			if held, err := lease.Hold(t.Context()); err != nil || held != want || behind.held != want {
				t.Errorf("it is held: %t and by others' account %t, %v; want %t", held, behind.held, err, want)
			}
		}
		takes(true)
		if err := lease.passOn(t.Context()); err != nil {
			t.Fatal(err)
		}
		takes(false)
		time.Sleep(passedOn) // virtual
		behind.holding = func() {
			if err := lease.passOn(t.Context()); err != nil {
				t.Error(err)
			}
		}
		takes(false)
		behind.holding = nil
		time.Sleep(passedOn) // virtual
		takes(true)
	})
}
