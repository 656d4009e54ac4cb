package admission

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// sent is a request that was granted. The script's clock lies between before and
// after, which are the same in virtual time.
type sent struct {
	before, after time.Time
	submit        bool
}

// fullest returns the most requests that any window of this length holds for
// certain, whatever the exact times were.
func fullest(log []sent, length time.Duration, count func(sent) bool) int {
	most := 0
	for _, first := range log {
		n := 0
		for _, s := range log {
			if count(s) && !s.before.Before(first.after) && s.after.Before(first.before.Add(length)) || count(s) && s == first {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// ask asks for one request and reports when it was granted.
func ask(t *testing.T, a *Admission, limits Limits, submit bool, id int) (sent, time.Duration) {
	t.Helper()
	s, err := sent{before: time.Now(), submit: submit}, error(nil)
	if submit {
		_, err = a.Reserve(t.Context(), claim(job.ID(strconv.Itoa(id)), 0, limits))
	} else {
		err = a.Request(t.Context(), nightScope, limits)
	}
	s.after = time.Now()
	if err == nil {
		return s, 0
	}
	postponed, ok := errors.AsType[*job.PostponedError](err)
	if !ok || postponed.Reason != job.WaitRequestRate || postponed.After <= 0 {
		t.Fatalf("got %v, want a grant or a time to wait for the request rate", err)
	}
	return sent{}, postponed.After
}

// A night of random bursts and pauses: no window of the provider's minute and the
// margin is ever above the limit, submits leave the reads theirs, and who waits
// as long as told and is alone gets a place.
func TestRateWindow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { rateNight(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func rateNight(t *testing.T, random *rand.Rand) {
	a := New(Options{Redis: emulator(t)})
	limits := Limits{RequestsPerMinute: 5 + random.IntN(60)}
	limits.ReadReserve = random.IntN(limits.RequestsPerMinute)
	var log []sent
	waits := 0
	for i := range 400 {
		time.Sleep(time.Duration(random.ExpFloat64() * float64(30*time.Second) / float64(limits.RequestsPerMinute)))
		submit := random.IntN(3) > 0
		granted, after := ask(t, a, limits, submit, i)
		if after > 0 {
			waits++
			time.Sleep(after - time.Millisecond)
			if _, still := ask(t, a, limits, submit, i); still <= 0 {
				t.Fatal("a place came before the time that was named")
			}
			time.Sleep(time.Millisecond)
			granted, after = ask(t, a, limits, submit, i)
		}
		if after > 0 {
			t.Fatalf("no place after the time to wait, %s more", after)
		}
		log = append(log, granted)
	}
	if waits == 0 {
		t.Error("the limit was never reached, so this run shows nothing")
	}
	all := func(sent) bool { return true }
	if most := fullest(log, 61*time.Second, all); most > limits.RequestsPerMinute {
		t.Errorf("fullest window: %d requests, limit %d", most, limits.RequestsPerMinute)
	}
	submits := func(s sent) bool { return s.submit }
	if most := fullest(log, 61*time.Second, submits); most > limits.submits() {
		t.Errorf("fullest window: %d submits, limit %d", most, limits.submits())
	}
}

// A new window takes the whole rate at once, and the next whole rate a window later.
func TestRateBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, limits := New(Options{Redis: emulator(t)}), Limits{RequestsPerMinute: 100}
		start, waited := time.Now(), time.Duration(0)
		for i := range 200 {
			_, after := ask(t, a, limits, true, i)
			if after > 0 {
				time.Sleep(after)
				waited += after
				ask(t, a, limits, true, i)
			}
		}
		if took := time.Since(start); took != waited || took > 61250*time.Millisecond || took < 61*time.Second {
			t.Errorf("200 requests took %s, want one window of 61 s and at most a bucket", took)
		}
	})
}

// After the clock of Redis went back, the counted requests still count for a whole
// window, and not for longer.
func TestRateClockGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := redistest.Emulator(t)
		a, limits := New(Options{Redis: client}), Limits{RequestsPerMinute: 3}
		for i := range 3 {
			ask(t, a, limits, i%2 == 0, i)
		}
		server.SetTime(time.Now().Add(-time.Hour))
		_, after := ask(t, a, limits, false, 3)
		within(t, after, 61250*time.Millisecond, 250*time.Millisecond)
		server.SetTime(time.Now().Add(-time.Hour).Add(after))
		if _, after := ask(t, a, limits, false, 3); after != 0 {
			t.Errorf("a window later there is still no place for %s", after)
		}
	})
}

// On a real Redis, with a window short enough to be run through many times, and
// many asking at once.
func TestRateWindowOnRedis(t *testing.T) {
	t.Parallel()
	a := New(Options{Redis: redistest.Start(t).Client(t)})
	a.window = window{bucket: 5 * time.Millisecond, buckets: 40}
	limits, length := Limits{RequestsPerMinute: 25}, 200*time.Millisecond
	var (
		mu      sync.Mutex
		log     []sent
		workers sync.WaitGroup
	)
	end := time.Now().Add(2 * time.Second)
	for range 8 {
		workers.Go(func() {
			for time.Now().Before(end) {
				granted, after := ask(t, a, limits, false, 0)
				if after == 0 {
					mu.Lock()
					log = append(log, granted)
					mu.Unlock()
				}
				time.Sleep(after)
			}
		})
	}
	workers.Wait()
	all := func(sent) bool { return true }
	if most := fullest(log, length, all); most > limits.RequestsPerMinute {
		t.Errorf("fullest window: %d requests, limit %d", most, limits.RequestsPerMinute)
	}
	if len(log) < 4*limits.RequestsPerMinute {
		t.Errorf("only %d requests in ten windows of %d", len(log), limits.RequestsPerMinute)
	}
}

// The window's memory is that of its buckets, not of its requests.
func TestRateMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := emulator(t)
		a := New(Options{Redis: client})
		for range 700 {
			mustDo(t, a.Request(t.Context(), nightScope, Limits{}))
			time.Sleep(100 * time.Millisecond)
		}
		fields := client.HLen(t.Context(), a.keys.rate(nightScope.Project)).Val()
		if most := int64(minute.buckets + 1 + 4); fields > most {
			t.Errorf("got %d fields, want at most %d", fields, most)
		}
	})
}

// A pause ends to the second it was given for.
func TestCooldownEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{Redis: emulator(t)})
		mustDo(t, a.Cooldown(t.Context(), nightScope, job.WaitCooldown, 2321*time.Second))
		time.Sleep(2321*time.Second - time.Millisecond)
		_, err := a.Reserve(t.Context(), claim("a", 1, Limits{}))
		if rest := mustWait(t, err, job.WaitCooldown).After; rest != time.Millisecond {
			t.Errorf("got a rest of %s, want 1ms", rest)
		}
		time.Sleep(time.Millisecond)
		mustReserve(t, a, claim("a", 1, Limits{}))
	})
}

// What finished jobs leave is gone after an hour; totals stay.
func TestFinishedGrantsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := emulator(t)
		a := New(Options{Redis: client})
		for i := range 50 {
			id := job.ID(strconv.Itoa(i))
			mustReserve(t, a, claim(id, 1, Limits{}))
			mustDo(t, a.Settle(t.Context(), nightScope, id, 1, 1000, 0))
		}
		time.Sleep(markerKept + time.Second)
		got, err := client.Keys(t.Context(), "*").Result()
		if err != nil || len(got) != 2 {
			t.Errorf("got keys %q (%v), want only the totals of key and batch", got, err)
		}
		if spent := usage(t, a, Limits{}).Batch.Spent; spent != 50*job.OneCU {
			t.Errorf("got %s CU spent, want 50", spent)
		}
		err = a.Settle(t.Context(), nightScope, "7", 1, 1000, 0)
		if !errors.Is(err, ErrNoGrant) {
			t.Errorf("a settle an hour late: got %v, want %v", err, ErrNoGrant)
		}
	})
}

// A learned ceiling is believed for a day and a guess for ten minutes.
func TestCeilingIsForgotten(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		said int
		kept time.Duration
	}{
		{"said", 7, ceilingKept},
		{"guessed", 0, guessKept},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := New(Options{Redis: emulator(t)})
				mustDo(t, a.LearnCeiling(t.Context(), nightScope, c.said))
				time.Sleep(c.kept - time.Second)
				if got := usage(t, a, Limits{}).Ceiling; got == 0 {
					t.Error("forgotten too early")
				}
				time.Sleep(2 * time.Second)
				if got := usage(t, a, Limits{}).Ceiling; got != 0 {
					t.Errorf("got ceiling %d, want it forgotten", got)
				}
			})
		})
	}
}
