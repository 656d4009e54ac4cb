package redisclient

import (
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

const (
	// clockTick is how often the embedded Redis is told the time, which its scripts ask
	// for.
	clockTick = 50 * time.Millisecond
	// agingTick is how often its expiries are brought forward. It sorts and visits all of
	// its keys for that, and would do so at each tick, or even at each access, if it aged
	// them by its own clock.
	agingTick = time.Second
)

// KeepTime tells an emulated Redis the time and lets its keys expire until stop is
// called.
//
// An aging takes the same from every expiry, that of a key of a moment ago too, so a
// key may go up to a tick of the aging too soon. Heartbeats and waiting jobs are written
// again more often than that, and a process is declared dead only some time after its
// heartbeat went; pauses and request windows are kept for longer than they count. When
// the process stood still, keys are kept for as long as it did. A wall clock that is set
// changes what scripts are told, and never how long keys are kept.
func KeepTime(server *miniredis.Miniredis) (stop func()) {
	aged := time.Now()
	server.ClockTTL(false)
	server.SetTime(aged)
	ended := make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() {
		ticker := time.NewTicker(clockTick)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				server.SetTime(now)
				if elapsed := now.Sub(aged); elapsed >= agingTick {
					server.FastForward(min(elapsed, agingTick+clockTick))
					aged = now
				}
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		clock.Wait()
	}
}
