package redisclient

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// timed runs a test in virtual time on an emulated Redis whose time is kept, which
// begins some time after an aging.
func timed(t *testing.T, since time.Duration, test func(t *testing.T, client redis.UniversalClient)) {
	synctest.Test(t, func(t *testing.T) {
		client, _, stop := Embedded()
		defer func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}()
		time.Sleep(10*time.Second + since) // off the ticks
		test(t, client)
	})
}

// Keys cost nothing when Redis is told the time, however many there are: their
// expiries stay as they are until the aging, once in a second.
func TestATickAgesNoKeys(t *testing.T) {
	t.Parallel()
	timed(t, 5*time.Millisecond, func(t *testing.T, client redis.UniversalClient) {
		ctx, kept := t.Context(), 10*time.Second
		if err := client.Set(ctx, "key", "", kept).Err(); err != nil {
			t.Fatal(err)
		}
		agings, last, times := 0, kept, map[int64]bool{}
		for range 100 { // five seconds
			time.Sleep(clockTick)
			times[client.Time(ctx).Val().UnixMilli()] = true
			if left := client.PTTL(ctx, "key").Val(); left != last {
				agings, last = agings+1, left
			}
		}
		if agings != 5 || last != kept-5*time.Second {
			t.Errorf("in five seconds keys were aged %d times and %s were left of %s, want 5 times", agings, last, kept)
		}
		if len(times) != 100 {
			t.Errorf("scripts saw %d times, want one each tick", len(times))
		}
	})
}

// A key goes within a tick of the aging of its time, whenever it was written.
func TestKeysExpireOnTime(t *testing.T) {
	t.Parallel()
	for since := 5 * time.Millisecond; since < agingTick; since += 90 * time.Millisecond {
		timed(t, since, func(t *testing.T, client redis.UniversalClient) {
			const kept = 5 * time.Second
			if err := client.Set(t.Context(), "key", "", kept).Err(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(kept - agingTick)
			if client.Exists(t.Context(), "key").Val() == 0 {
				t.Errorf("written %s after an aging: gone after %s of %s", since, kept-agingTick, kept)
			}
			time.Sleep(2 * agingTick)
			if client.Exists(t.Context(), "key").Val() != 0 {
				t.Errorf("written %s after an aging: there after %s of %s", since, kept+agingTick, kept)
			}
		})
	}
}
