package admission

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"nightshift/internal/longtest"
)

// night of greedy submits: whenever one may be sent it is, and before any read that
// waits for the same moment. Reads are wanted at given times, in order.
type contest struct {
	*requester
	wanted  []time.Duration // since the start
	longest time.Duration   // that a read waited
}

// run lets both ask until all reads have had their place or the time is over.
func (c *contest) run(length time.Duration) {
	c.t.Helper()
	start := c.now
	submit, read := time.Duration(0), c.wanted[0]
	for now := time.Duration(0); now < length; now = min(submit, read) {
		c.move(start.Add(now).Sub(c.now))
		if submit <= now {
			submit = now + c.ask(true)
			continue
		}
		after := c.ask(false)
		read = now + after
		if after > 0 {
			continue
		}
		c.longest = max(c.longest, now-c.wanted[0])
		if c.wanted = c.wanted[1:]; len(c.wanted) == 0 {
			break
		}
		read = max(now, c.wanted[0])
	}
	c.holds()
}

// every lists so many reads each time.
func every(d time.Duration, reads int, length time.Duration) (wanted []time.Duration) {
	for at := d; at < length; at += d {
		for range reads {
			wanted = append(wanted, at)
		}
	}
	return wanted
}

// Submits get what reads leave, and reads that go on as before never wait long.
func TestSubmitsGetWhatReadsLeave(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		const length = 6 * time.Minute
		cases := []struct {
			reads  int // each half minute
			atBest int // submits of any window once the reads are known
		}{{4, 91}, {20, 85}, {0, 99}, {1, 97}, {2, 95}}
		for _, c := range cases[:longtest.Times(1, len(cases))] {
			t.Run(strconv.Itoa(c.reads), func(t *testing.T) {
				r := &contest{requester: newRequester(t, s, Limits{RequestsPerMinute: 100, ReadReserve: 15})}
				r.wanted = append(every(30*time.Second, c.reads, length), length)
				start := r.now
				r.run(length)
				submits := 0
				for _, sent := range r.log {
					if at := sent.at.Sub(start); sent.submit && at >= 2*time.Minute && at < 2*time.Minute+3*61250*time.Millisecond {
						submits++
					}
				}
				if submits < 3*c.atBest {
					t.Errorf("got %d submits in three windows, want at least %d each", submits, c.atBest)
				}
				if c.reads < 15/2 && r.longest > 5*time.Second {
					t.Errorf("a read waited for %s", r.longest)
				}
			})
		}
	})
}

// However reads come and go, one that waits has its place within a window and the time
// for which submits have places ahead, though submits take all that they can.
func TestNoReadStarves(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		for seed := range uint64(longtest.Times(1, 3)) {
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 3))
				r := &contest{requester: newRequester(t, s, Limits{RequestsPerMinute: 40, ReadReserve: 10})}
				at := time.Duration(0)
				for range 12 { // fewer in any window than are kept at the most
					at += time.Duration((62 + random.ExpFloat64()*60) * float64(time.Second))
					for range 1 + random.IntN(9) {
						r.wanted = append(r.wanted, at)
					}
				}
				r.run(time.Hour)
				if len(r.wanted) > 0 || r.longest > 61250*time.Millisecond+mostAhead {
					t.Errorf("%d reads never had a place, the others waited up to %s", len(r.wanted), r.longest)
				}
				if r.longest == 0 {
					t.Error("no read waited, so this run shows nothing")
				}
			})
		}
	})
}
