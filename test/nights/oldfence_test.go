package nights

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/simulator"
)

// A worker stands still between the mark and the request, for so long that its job is
// certainly not accepted and another worker sends it again. It wakes in the middle of that
// request, finds that it is too late to send its own, and has no business any more with
// the job, whose state is the same as when it held it.
func TestWorkerThatWakesWithAnOldFence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 5*time.Second), Parallel: 10, Seed: 1, RequestsPerMinute: 600}, etchings(1))
		var asleep, again atomic.Bool
		still := n.mortalTold(func(l *lifeline, r *http.Request) {
			if pays(r) && asleep.CompareAndSwap(false, true) {
				l.freeze()
			}
		})
		n.submit()
		n.until("the first worker stands still", time.Minute, asleep.Load)
		began := time.Now()
		n.wire.rig(func(paid *paidRequest, next func() (*http.Response, error)) (*http.Response, error) {
			if paid.model == etching && again.CompareAndSwap(false, true) {
				still.thaw()
				time.Sleep(5 * time.Second) // virtual
				if late := time.Since(began); late > time.Minute {
					t.Errorf("it wakes after %s, when its own request has timed out", late)
				}
			}
			return next()
		})
		n.member()
		beside := n.batch(renamed("dusk", woodcuts(1, 3))) // its runs show that the list is whole
		beside.submit()
		n.over(time.Hour)
		beside.over(time.Hour)
		if !again.Load() {
			t.Error("nothing was sent again")
		}
		n.noneFailed()
		if paid := len(n.sim.Ledger()); paid != 4 {
			t.Errorf("%d were paid, and there are 4 jobs", paid)
		}
		n.allStored()
		n.booksAgree(n, beside)
	})
}
