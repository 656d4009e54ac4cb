package admission

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/longtest"
)

// sent is a request that goes out at a time.
type sent struct {
	at     time.Time
	submit bool
}

// fullest returns the most requests, or submits, that any window of the provider's
// minute and the margin holds.
func fullest(log []sent, submitsOnly bool) int {
	most := 0
	for _, first := range log {
		n := 0
		for _, s := range log {
			if (s.submit || !submitsOnly) && !s.at.Before(first.at) && s.at.Before(first.at.Add(61*time.Second)) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// requester asks for places and notes when its requests go out. The time of the
// provider goes on evenly while the clock of Redis may be set back.
type requester struct {
	t     *testing.T
	a     *Admission
	on    keyed
	clock *handClock
	now   time.Time // of the provider
	back  time.Duration
	log   []sent
}

func (r *requester) move(d time.Duration) {
	r.now = r.now.Add(d)
	r.clock.set(r.now.Add(-r.back))
}

// ask asks for one request and returns how long to wait before asking again.
func (r *requester) ask(submit bool) time.Duration {
	r.t.Helper()
	grant, err := Grant{}, error(nil)
	if submit {
		grant, err = r.a.Reserve(r.t.Context(), claim("a", 0, r.on))
		mustDo(r.t, r.a.Release(r.t.Context(), ref("a"), 1, night)) // a place stays taken
	} else {
		err = r.a.Request(r.t.Context(), r.on.candidate())
	}
	if err == nil {
		r.log = append(r.log, sent{at: r.now.Add(grant.After), submit: submit})
		if grant.After > mostAhead {
			r.t.Fatalf("got a place in %s, want none further ahead than %s", grant.After, mostAhead)
		}
		return 0
	}
	postponed, ok := errors.AsType[*job.PostponedError](err)
	if !ok || postponed.Reason != job.WaitRequestRate || postponed.After <= 0 {
		r.t.Fatalf("got %v, want a grant or a time to wait for the request rate", err)
	}
	return postponed.After
}

// holds checks that no window was ever above the limit.
func (r *requester) holds() {
	r.t.Helper()
	limits := r.on.Project
	if most := fullest(r.log, false); most > limits.RequestsPerMinute {
		r.t.Errorf("fullest window: %d requests, limit %d", most, limits.RequestsPerMinute)
	}
	least := min(limits.ReadReserve, max(1, limits.ReadReserve/10))
	if most := fullest(r.log, true); most > limits.RequestsPerMinute-least {
		r.t.Errorf("fullest window: %d submits, limit %d less %d", most, limits.RequestsPerMinute, least)
	}
}

func newRequester(t *testing.T, s server, limits Limits) *requester {
	s.clock.set(time.Now())
	return &requester{t: t, a: s.admission(t), on: keyed{Account: night, Project: limits}, clock: s.clock, now: s.clock.time()}
}

// A night of random bursts and pauses: no window is ever above the limit, whatever
// lies ahead, and who waits as long as told and is alone gets a place, not earlier.
func TestRateWindow(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		for seed := range uint64(longtest.Times(1, 2)) {
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				limits := Limits{RequestsPerMinute: 5 + random.IntN(40)}
				limits.ReadReserve = random.IntN(limits.RequestsPerMinute)
				r := newRequester(t, s, limits)
				waits := 0
				for range 200 {
					r.move(time.Duration(random.ExpFloat64() * float64(20*time.Second) / float64(limits.RequestsPerMinute)))
					submit := random.IntN(3) > 0
					after := r.ask(submit)
					if after == 0 || random.IntN(4) > 0 {
						continue
					}
					waits++
					r.move(after - time.Millisecond)
					if !submit && r.ask(false) != time.Millisecond {
						t.Fatal("a place came before the time that was named")
					}
					r.move(time.Millisecond)
					if after := r.ask(submit); after != 0 {
						t.Fatalf("no place after the time to wait, %s more", after)
					}
				}
				if r.holds(); waits == 0 {
					t.Error("the limit was never reached, so this run shows nothing")
				}
			})
		}
	})
}

// A new window takes the whole rate at once, and the next whole rate a window later.
func TestRateBurst(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		r := newRequester(t, s, Limits{RequestsPerMinute: 100})
		start := r.now
		for len(r.log) < 200 {
			r.move(r.ask(true))
		}
		if took := r.log[199].at.Sub(start); took > 61250*time.Millisecond || took < 61*time.Second {
			t.Errorf("the last of 200 goes after %s, want one window of 61 s and at most a bucket", took)
		}
		r.holds()
	})
}

// Submits leave their part to reads, also where their places lie ahead.
func TestReadsAreNotStarved(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		r := newRequester(t, s, Limits{RequestsPerMinute: 100, ReadReserve: 15})
		for range 85 {
			if r.ask(true) != 0 {
				t.Fatal("the submits' part is less than 85")
			}
		}
		if r.ask(true) == 0 {
			t.Error("submits took from the reads' part")
		}
		r.move(52 * time.Second)
		for range 85 {
			if r.ask(true) != 0 {
				t.Fatal("no place ahead where the first burst leaves")
			}
		}
		u := usage(t, r.a, r.on).Project.RequestsLeft
		for i := range 15 {
			if wait := r.ask(false); wait != 0 {
				t.Fatalf("read %d of 15 waits for %s", i, wait)
			}
		}
		if wait := r.ask(false); wait == 0 || u != 15 {
			t.Errorf("a 16th read waits for %s, and %d were left before, want 15", wait, u)
		}
		r.holds()
	})
}

// Reads may use the whole rate, and count for submits.
func TestReadsUseTheWholeRate(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		r := newRequester(t, s, Limits{RequestsPerMinute: 4, ReadReserve: 2})
		for range 4 {
			if r.ask(false) != 0 {
				t.Fatal("a read was refused below the limit")
			}
		}
		if r.ask(false) == 0 || r.ask(true) == 0 {
			t.Error("more than the limit was granted")
		}
	})
}

// Requests are counted by key and by project, and the fuller of both decides.
func TestRateOfKeyAndProject(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		on := keyed{Account: night, Key: Limits{RequestsPerMinute: 2}, Project: Limits{RequestsPerMinute: 3}}
		other := on
		other.Account.APIKey = "dusk"
		mustDo(t, a.Request(t.Context(), on.candidate()))
		mustReserve(t, a, claim("a", 0, on))
		wait := mustWait(t, a.Request(t.Context(), on.candidate()), job.WaitRequestRate)
		if want := "2 of 2 requests of key night in this minute"; wait.Detail != want {
			t.Errorf("got %q, want %q", wait.Detail, want)
		}
		mustDo(t, a.Request(t.Context(), other.candidate()))
		wait = mustWait(t, a.Request(t.Context(), other.candidate()), job.WaitRequestRate)
		if want := "3 of 3 requests of project icons in this minute"; wait.Detail != want {
			t.Errorf("got %q, want %q", wait.Detail, want)
		}
		if u := usage(t, a, other); u.Key.RequestsLeft != 1 || u.Project.RequestsLeft != 0 {
			t.Errorf("got %+v, want 1 request left of the key and none of the project", u)
		}
	})
}

// What a killed process was granted and never sent goes out at once on the places that it
// had: they move, so that the rate is neither passed nor left empty.
func TestUnsentGrantsKeepTheirPlaces(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		const rate = 10
		r := newRequester(t, s, Limits{RequestsPerMinute: rate})
		reserve := func(n int) (after time.Duration, err error) {
			grant, err := r.a.Reserve(t.Context(), claim(job.ID("job-"+strconv.Itoa(n)), 0, r.on))
			return grant.After, err
		}
		for n := range rate {
			if after, err := reserve(n); err != nil || after != 0 {
				t.Fatalf("grant %d: after %s, %v", n, after, err)
			}
			if n < rate/2 { // the others are not sent
				r.log = append(r.log, sent{r.now, true})
			}
		}
		r.move(20 * time.Second)
		for n := rate / 2; n < rate; n++ {
			if after, err := reserve(n); err != nil || after != 0 {
				t.Fatalf("job %d of a killed process may go after %s: %v", n, after, err)
			}
			r.log = append(r.log, sent{r.now, true})
		}
		for len(r.log) < 4*rate {
			r.move(max(r.ask(true), time.Millisecond))
		}
		r.holds()
	})
}

// Jobs that are granted, lost and granted again at random never pass the rate.
func TestUnsentGrantsNeverPassTheRate(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		random := rand.New(rand.NewPCG(3, 1))
		r := newRequester(t, s, Limits{RequestsPerMinute: 12, ReadReserve: 2})
		unsent := map[job.ID]bool{}
		for n := range longtest.Times(150, 400) {
			r.move(time.Duration(random.ExpFloat64() * float64(2*time.Second)))
			id := job.ID("job-" + strconv.Itoa(n))
			for other := range unsent {
				if random.IntN(2) == 0 {
					id = other
				}
				break
			}
			grant, err := r.a.Reserve(t.Context(), claim(id, 0, r.on))
			if err != nil {
				continue
			}
			if random.IntN(3) == 0 {
				unsent[id] = true
				continue
			}
			delete(unsent, id)
			r.log = append(r.log, sent{r.now.Add(grant.After), true})
			mustDo(t, r.a.Release(t.Context(), ref(id), 1, night))
		}
		if r.holds(); len(r.log) < 30 {
			t.Errorf("only %d were sent", len(r.log))
		}
	})
}
