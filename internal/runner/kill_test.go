package runner_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// scenarios are lives of a job, by what makes them special. again is how many runs are
// bought anew.
var scenarios = map[string]struct {
	replies []reply
	again   int
}{
	"plain": {},
	"reply lost, run accepted": {
		replies: []reply{{err: errLost, taken: true, lag: 5 * time.Second}},
	},
	"request lost": {
		replies: []reply{{err: errLost}},
	},
	"refused for the ceiling": {
		replies: []reply{{err: &job.LimitError{Limit: job.LimitParallel, Ceiling: 3}}},
	},
	"passing fault, refunded": {
		replies: []reply{{end: ending{status: job.RunFailed, transient: true}}}, again: 1,
	},
	"several images": {
		replies: []reply{{end: ending{images: 3}}},
	},
}

var errLost = &job.UnknownOutcomeError{Err: errors.New("the connection broke")}

// Whatever a process does as it is killed, or stands still for a while, another one
// goes on, every run is paid once, and none that was paid is lost.
func TestEveryKillPoint(t *testing.T) {
	t.Parallel()
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, call := range callsOf(t, name) {
				for _, kind := range []trapKind{killedBefore, killedAfter, standsBriefly, standsLong} {
					t.Run(string(kind)+" "+call, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							b := newBed(t, 1)
							b.provider.replies = slices.Clone(scenario.replies)
							if !spring(b, &trap{call: call, kind: kind, sprung: make(chan struct{})}) {
								t.Error("the process never came there")
							}
							b.judge(scenario.again)
						})
					})
				}
			}
		})
	}
}

// callsOf are the kinds of calls that a process makes in a scenario.
func callsOf(t *testing.T, name string) (calls []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.provider.replies = slices.Clone(scenarios[name].replies)
		p := b.start(nil).watch().feed()
		b.over()
		b.do(func() { calls = slices.Clone(p.calls) })
		p.stop()
		b.judge(scenarios[name].again)
	})
	if len(calls) < 30 {
		t.Fatalf("only %d kinds of calls: %q", len(calls), calls)
	}
	return calls
}

// spring lets a process run into a trap and another one go on. It reports whether the
// process came there.
func spring(b *bed, tr *trap) (sprung bool) {
	first := b.start(tr).watch().feed()
	select {
	case <-tr.sprung:
		sprung = true
	case <-time.After(time.Hour):
	}
	second := b.start(nil).watch().feed()
	b.over()
	time.Sleep(tr.kind.stillFor()) // until the first does nothing any more either
	b.over()
	second.stop()
	first.stop()
	return sprung
}
