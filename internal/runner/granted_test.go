package runner_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// A job that holds the only slot, since it was taken from a handler that had just been
// granted it, does not wait behind those who wait for that slot.
func TestGrantedJobDoesNotWaitForItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 3)
		b.admission.ceiling = 1
		b.admission.held[attempt{refOf(b.jobs[2]), 1}] = &grant{apiKey: night, amount: price, slot: true}
		began := time.Now()
		p := b.start(nil).watch().feed()
		b.await("one is sent", func() bool { return b.provider.sent > 0 })
		if took := time.Since(began); took > time.Second {
			t.Errorf("the first is sent after %s", took)
		}
		b.over()
		p.stop()
	})
}
