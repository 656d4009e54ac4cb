package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/redisclient"
)

// servingBed is a bucket and Redis servers of which each has workers.
type servingBed struct {
	t      *testing.T
	bucket *bucket.Local
}

type redisServer struct {
	address string
	client  redis.UniversalClient
	server  *miniredis.Miniredis
}

func (b servingBed) redis(address string) redisServer {
	b.t.Helper()
	client, server, stop := redisclient.Embedded()
	b.t.Cleanup(func() { _ = stop() })
	return redisServer{address, client, server}
}

// worker is one that uses a Redis; waited counts how often it had to look first.
func (b servingBed) worker(r redisServer) (s *Serving, waited *int) {
	waited = new(int)
	s = NewServing(r.client, config.Settings{Redis: config.Secret("redis://user:hidden@" + r.address)}, b.bucket, "abc")
	s.Waits = func(string) { *waited++ }
	return s, waited
}

// goOn has workers check at their times.
func (b servingBed) goOn(d time.Duration, workers ...*Serving) {
	b.t.Helper()
	for until := time.Now().Add(d); time.Now().Before(until); time.Sleep(RenewTick) {
		for _, w := range workers {
			if err := w.Check(b.t.Context()); err != nil {
				b.t.Fatalf("a worker is refused its own bucket: %v", err)
			}
		}
	}
}

func (b servingBed) begin(s *Serving) {
	b.t.Helper()
	if err := s.Begin(b.t.Context()); err != nil {
		b.t.Fatalf("begin: %v", err)
	}
}

// while runs something beside workers that go on.
func (b servingBed) while(worker *Serving, do func()) {
	b.t.Helper()
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-done:
				return
			case <-time.After(RenewTick):
				if err := worker.Check(b.t.Context()); err != nil {
					b.t.Errorf("the first worker is refused: %v", err)
				}
			}
		}
	}()
	do()
	close(done)
	<-over
}

func inServingBed(t *testing.T, test func(b servingBed)) {
	t.Helper()
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		local, err := bucket.NewLocal(folder)
		if err != nil {
			t.Fatal(err)
		}
		test(servingBed{t, local})
	})
}

// Workers of a second Redis are refused with both names while those of the first are at
// work, however late they come, and may begin soon after the last of the first is gone.
func TestTwoRedisOneBucket(t *testing.T) {
	inServingBed(t, func(b servingBed) {
		one, two := b.redis("10.0.0.1:6379"), b.redis("10.0.0.2:6379")
		first, _ := b.worker(one)
		b.begin(first)
		b.goOn(time.Hour, first)
		second, waited := b.worker(two)
		b.while(first, func() {
			err := second.Begin(b.t.Context())
			if err == nil || !strings.Contains(err.Error(), "10.0.0.1:6379") || !strings.Contains(err.Error(), "10.0.0.2:6379") ||
				strings.Contains(err.Error(), "hidden") || !strings.Contains(job.Hint(err), config.RedisVariable) {
				b.t.Errorf("a second Redis: %v", err)
			}
		})
		if *waited != 1 {
			b.t.Errorf("it was told %d times that it waits", *waited)
		}
		b.begin(second)
		if err := first.Check(b.t.Context()); err == nil || !strings.Contains(err.Error(), "10.0.0.2:6379") {
			b.t.Errorf("the first one, which comes back later: %v", err)
		}
	})
}

// More workers of one Redis begin at once.
func TestOneRedisManyWorkers(t *testing.T) {
	inServingBed(t, func(b servingBed) {
		server := b.redis("10.0.0.1:6379")
		first, _ := b.worker(server)
		b.begin(first)
		began := time.Now()
		second, waited := b.worker(server)
		b.begin(second)
		if *waited != 0 || time.Since(began) > time.Second {
			b.t.Errorf("the second worker of a Redis waited for %s", time.Since(began))
		}
		b.goOn(time.Minute, first, second)
	})
}

// A Redis that was emptied, or was replaced by an empty one at a failover, stays the
// same as long as a worker knows it: also for workers that begin then.
func TestEmptiedRedisIsTheSame(t *testing.T) {
	inServingBed(t, func(b servingBed) {
		server := b.redis("10.0.0.1:6379")
		first, _ := b.worker(server)
		b.begin(first)
		for range 3 {
			server.server.FlushAll()
			second, _ := b.worker(server) // comes before the first one notices
			b.while(first, func() { b.begin(second) })
			b.goOn(time.Minute, first, second)
		}
	})
}

// Of two that begin at the same moment with a bucket that nobody has used, one is refused.
func TestTwoRedisAtOnce(t *testing.T) {
	inServingBed(t, func(b servingBed) {
		outcomes := make(chan error, 2)
		for _, address := range []string{"10.0.0.1:6379", "10.0.0.2:6379"} {
			s, _ := b.worker(b.redis(address))
			go func() { outcomes <- s.Begin(b.t.Context()) }()
		}
		if first, second := <-outcomes, <-outcomes; (first == nil) == (second == nil) {
			b.t.Errorf("both may work, or none: %v, %v", first, second)
		}
	})
}

// A notice of long ago is watched as any other: one whose clock is behind writes the same.
func TestBucketOfLongAgo(t *testing.T) {
	inServingBed(t, func(b servingBed) {
		first, _ := b.worker(b.redis("10.0.0.1:6379"))
		b.begin(first)
		time.Sleep(time.Hour) // virtual
		second, waited := b.worker(b.redis("10.0.0.2:6379"))
		b.begin(second)
		if *waited != 1 {
			b.t.Errorf("it told %d times that it looks whether the other is still used", *waited)
		}
	})
}
