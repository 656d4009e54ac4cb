package admission

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/longtest"
	"nightshift/internal/redistest"
)

// However far the clock of Redis goes back, and with whatever places ahead, no
// window of the provider is above the limit.
func TestRateClockGoesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		for seed := range uint64(longtest.Times(1, 3)) {
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 7))
				r := newRequester(t, s, Limits{RequestsPerMinute: 20, ReadReserve: 5})
				jumps := []time.Duration{time.Millisecond, time.Second, 5 * time.Second, 20 * time.Second, time.Hour}
				for range 200 {
					if random.IntN(40) == 0 {
						r.back += jumps[random.IntN(len(jumps))]
					}
					r.move(time.Duration(random.ExpFloat64() * float64(time.Second)))
					r.ask(random.IntN(3) > 0)
				}
				r.holds()
				if len(r.log) < 40 {
					t.Errorf("only %d requests were granted in about three minutes", len(r.log))
				}
			})
		}
	})
}

// Places that lie ahead when the clock goes back far are counted until the last of
// them is over.
func TestPlacesAheadOutlastTheJump(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		r := newRequester(t, s, Limits{RequestsPerMinute: 20})
		for range 20 {
			r.ask(true)
		}
		r.move(52 * time.Second)
		for range 20 {
			r.ask(true)
		}
		r.back = time.Hour
		for range 100 {
			r.move(time.Second)
			r.ask(true)
		}
		if r.holds(); len(r.log) < 60 {
			t.Errorf("got %d places, want the rate back after a minute and a half", len(r.log))
		}
	})
}

// What was counted around a jump leaves the window too: a minute and a half later all
// of the rate is there again, though requests never paused.
func TestRateAfterTheJump(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		for _, back := range []time.Duration{5 * time.Second, time.Hour} {
			t.Run(back.String(), func(t *testing.T) {
				r := newRequester(t, s, Limits{RequestsPerMinute: 20})
				for range 5 {
					r.ask(true)
				}
				r.back = back
				r.move(0)
				for range 5 {
					r.ask(true)
				}
				for range 24 {
					r.move(5 * time.Second)
					r.ask(false)
				}
				if got := usage(t, r.a, r.on).Project.RequestsLeft; got < 7 || got > 8 {
					t.Errorf("got %d requests left of 20 with one each 5 s, want 7", got)
				}
				r.holds()
			})
		}
	})
}

// The window's memory is that of its buckets, not of its requests, and none once
// nothing counts.
func TestRateMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := redistest.Emulator(t)
		a := opened(t, client)
		for range 700 {
			mustDo(t, a.Request(t.Context(), free.candidate()))
			time.Sleep(100 * time.Millisecond)
		}
		key := a.keys.counter("rate", Project, night.Project)
		if fields := client.HLen(t.Context(), key).Val(); fields > int64(minute.buckets+1+5) {
			t.Errorf("got %d fields, want at most one for each bucket", fields)
		}
		server.SetTime(time.Now().Add(-time.Hour))
		usage(t, a, keyed{Account: night, Project: Limits{RequestsPerMinute: 10}})
		if ttl := client.TTL(t.Context(), key).Val(); ttl <= 0 || ttl > 80*time.Second {
			t.Errorf("got a window that is kept for %s after the clock went back", ttl)
		}
	})
}

// On a real Redis, with a window short enough to be run through many times, and
// many asking at once for places that lie ahead.
func TestRateOfManyOnRedis(t *testing.T) {
	t.Parallel()
	a := opened(t, redistest.Start(t).Client(t))
	a.window = window{bucket: 5 * time.Millisecond, buckets: 40}
	on := keyed{Account: night, Project: Limits{RequestsPerMinute: 20}}
	const length = 200 * time.Millisecond
	// place is a time that lies between two, because nobody sees the script's clock.
	type place struct{ earliest, latest time.Time }
	var (
		mu      sync.Mutex
		log     []place
		ahead   int
		workers sync.WaitGroup
	)
	end := time.Now().Add(2 * time.Second)
	for worker := range 16 {
		workers.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				c := claim(job.ID(strconv.Itoa(worker)+"-"+strconv.Itoa(i)), 0, on)
				before := time.Now()
				grant, err := a.Reserve(t.Context(), c)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				log = append(log, place{before.Add(grant.After), time.Now().Add(grant.After)})
				if grant.After > 0 {
					ahead++
				}
				mu.Unlock()
				time.Sleep(grant.After)
			}
		})
	}
	workers.Wait()
	for i, first := range log {
		certain := 1
		for j, other := range log {
			if i != j && !other.earliest.Before(first.latest) && other.latest.Before(first.earliest.Add(length)) {
				certain++
			}
		}
		if certain > 20 {
			t.Fatalf("%d submits in one window, limit 20", certain)
		}
	}
	if len(log) < 100 || ahead < 50 {
		t.Errorf("%d places, %d of them ahead, in ten windows of 20: this run shows nothing", len(log), ahead)
	}
}
