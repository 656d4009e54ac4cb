package scenario

import (
	"net/http"
	"sync"
	"time"
)

const (
	// clockUnknown bounds the provider's clock before the first reply. A machine
	// that is set to the local time of another zone is wrong by half a day.
	clockUnknown = 24 * time.Hour
	// clockGrain is what an HTTP date cuts off.
	clockGrain = time.Second
	// clockSlack is how far apart the many hosts behind one address may be, and
	// how old a date may be that a server keeps ready.
	clockSlack = 250 * time.Millisecond
	// clockDrift is how fast clocks part, one in so many: each of the two is
	// corrected by at most 500 ppm.
	clockDrift = 1000
	// clockNonsense is an offset that no clock has.
	clockNonsense = 10 * 365 * 24 * time.Hour
)

// ClockOffset is the provider's clock minus ours: the true difference is at most
// uncertainty away from offset. What happened at our time t or later bears no
// time of the provider's before t + offset - uncertainty. Before the first reply
// the answer is 0 ± 24 h.
//
// It is learned from the date of every reply of the API, refusals included; with
// one every few seconds it is good to about half a second.
func (c *Client) ClockOffset() (offset, uncertainty time.Duration) {
	return c.clock.offset(c.clock.read())
}

// clock holds what the dates of replies allow.
//
// A date is in whole seconds and was written at some moment of the request, so
// each reply allows a range of offsets, and all of them together a narrower one.
// A reply that contradicts those before says that a clock was set; then it alone
// counts.
type clock struct {
	started time.Time

	mu      sync.Mutex
	allowed *offsets // nil before the first reply
}

func newClock() *clock { return &clock{started: time.Now()} }

// reading is one time of ours by two clocks: the wall clock, which may be set,
// and the monotonic one, which may stand still while the machine sleeps.
type reading struct {
	wall time.Time
	run  time.Duration // since the clock was made
}

func (c *clock) read() reading {
	now := time.Now()
	return reading{wall: now.Round(0), run: now.Sub(c.started)}
}

// since returns how long ago a reading was taken by the clock that shows more,
// and how far the wall clock went ahead of the monotonic one in that time.
func (r reading) since(earlier reading) (most, ahead time.Duration) {
	run, wall := r.run-earlier.run, r.wall.Sub(earlier.wall)
	return max(run, wall), wall - run
}

// offsets is a range of what the provider's clock can be ahead of our wall clock
// at a time of ours.
type offsets struct {
	low, high time.Duration
	at        reading
}

// told is what a date allows that came between two readings.
func told(date time.Time, sent, received reading) offsets {
	spent, _ := received.since(sent)
	least := date.Sub(received.wall)
	return offsets{low: least - clockSlack, high: least + clockGrain + spent + clockSlack, at: received}
}

// later is the range at a later time. It is wider by the drift; and where our two
// clocks disagree it cannot be said whether the wall clock was set, which moves
// the offset, or the machine slept, which does not, so both stay allowed.
func (o offsets) later(now reading) offsets {
	passed, ahead := now.since(o.at)
	drift := max(passed, 0) / clockDrift
	return offsets{low: o.low - drift - max(ahead, 0), high: o.high + drift + max(-ahead, 0), at: now}
}

// narrowed is what both ranges allow; where there is nothing, what the newer one
// allows.
func (o offsets) narrowed(newer offsets) offsets {
	both := offsets{low: max(o.low, newer.low), high: min(o.high, newer.high), at: newer.at}
	if both.low > both.high {
		return newer
	}
	return both
}

// learn reads the date of a reply to a request that was sent at that time. A
// reply out of a cache has the date of the one that was kept.
func (c *clock) learn(sent reading, header http.Header) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil || header.Get("Age") != "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	received := c.read() // under the lock, so that readings come in their order
	if date.Sub(received.wall).Abs() > clockNonsense {
		return
	}
	allowed := told(date, sent, received)
	if c.allowed != nil {
		allowed = c.allowed.later(received).narrowed(allowed)
	}
	c.allowed = &allowed
}

func (c *clock) offset(now reading) (offset, uncertainty time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.allowed == nil {
		return 0, clockUnknown
	}
	allowed := c.allowed.later(now)
	uncertainty = (allowed.high - allowed.low + 1) / 2
	return allowed.low + uncertainty, uncertainty
}
