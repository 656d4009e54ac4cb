package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/telemetry"
)

// What Redis would have said is left out, not shown as zero: a scaler must not send
// the workers home because Redis is away.
func TestWithoutRedisOnlyLocalThingsAreShown(t *testing.T) {
	t.Parallel()
	m, registry := setup(t)
	var logged bytes.Buffer
	s := full()
	s.Lanes = s.Lanes[:1]
	m.Follow(t.Context(), always(s, errRedis), slog.New(slog.NewTextHandler(&logged, nil)))
	text := exposition(t, registry)
	want := []string{
		"nightshift_bucket_up 1",
		`nightshift_lane_blocked_by{lane="studio/live",reason="parallel_ceiling"} 1`,
		`nightshift_lane_blocked_seconds_total{lane="studio/live",reason="parallel_ceiling"} 90`,
		`nightshift_lane_blocked_seconds_total{lane="studio/live",reason="request_rate"} 1.5`,
		"nightshift_recovering 0",
		"nightshift_redis_up 0",
	}
	var got []string
	for _, line := range series(text, "nightshift_bucket", "nightshift_lane", "nightshift_rec", "nightshift_redis",
		"nightshift_questions", "nightshift_batches", "nightshift_key", "nightshift_cap") {
		if !strings.HasPrefix(line, "nightshift_lane_blocked_by") || strings.HasSuffix(line, "1") {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series without Redis differ (-want +got):\n%s", diff)
	}
	if !strings.Contains(logged.String(), "connection refused") {
		t.Errorf("the reason was not logged: %q", logged.String())
	}
}

// A reading that ignores that it was cancelled holds up a scrape for two seconds,
// and there is never a second one beside it.
func TestHangingReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, registry := setup(t)
		var begun atomic.Int32
		hang := make(chan struct{})
		m.Follow(t.Context(), func(context.Context) (telemetry.Status, error) {
			begun.Add(1)
			<-hang
			return full(), nil
		}, logger(t))
		start := time.Now()
		var scrapes sync.WaitGroup
		for range 8 {
			scrapes.Go(func() {
				got := series(exposition(t, registry), "nightshift_redis_up", "nightshift_bucket_up", "nightshift_lane_jobs")
				if diff := cmp.Diff([]string{"nightshift_redis_up 0"}, got); diff != "" {
					t.Errorf("series of a hanging reading differ (-want +got):\n%s", diff)
				}
			})
		}
		scrapes.Wait()
		if took := time.Since(start); took != 2*time.Second || begun.Load() != 1 {
			t.Errorf("8 scrapes took %s and began %d readings, want 2s and 1", took, begun.Load())
		}
		close(hang)
		synctest.Wait()
		// What the late reading said is old; the next scrape reads anew.
		if got := series(exposition(t, registry), "nightshift_redis_up"); got[0] != "nightshift_redis_up 1" || begun.Load() != 2 {
			t.Errorf("after it went on: %s with %d readings, want redis up and 2", got[0], begun.Load())
		}
	})
}

// A reading that heeds its deadline hands over what it has.
func TestSlowReadingHandsOverWhatItHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, registry := setup(t)
		m.Follow(t.Context(), func(ctx context.Context) (telemetry.Status, error) {
			<-ctx.Done()
			return telemetry.Status{Bucket: telemetry.No}, ctx.Err()
		}, logger(t))
		got := series(exposition(t, registry), "nightshift_redis_up", "nightshift_bucket_up")
		if diff := cmp.Diff([]string{"nightshift_bucket_up 0", "nightshift_redis_up 0"}, got); diff != "" {
			t.Errorf("series of a slow reading differ (-want +got):\n%s", diff)
		}
	})
}

func TestBlockedSecondsOnlyRise(t *testing.T) {
	t.Parallel()
	m, registry := setup(t)
	var total time.Duration
	m.Follow(t.Context(), func(context.Context) (telemetry.Status, error) {
		waited := map[job.WaitReason]time.Duration{job.WaitStorage: total}
		return telemetry.Status{Lanes: []telemetry.Lane{{Name: "p/live", Waited: waited}}}, nil
	}, logger(t))
	// The total falls where the lane was made again.
	for _, step := range []struct {
		total time.Duration
		want  string
	}{{10 * time.Second, "10"}, {10 * time.Second, "10"}, {25 * time.Second, "25"}, {4 * time.Second, "29"}, {5 * time.Second, "30"}} {
		total = step.total
		got := series(exposition(t, registry), "nightshift_lane_blocked_seconds_total")
		want := []string{`nightshift_lane_blocked_seconds_total{lane="p/live",reason="storage"} ` + step.want}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after a total of %s (-want +got):\n%s", step.total, diff)
		}
	}
}

// A process that ends does not say that Redis is down.
func TestNothingIsShownAfterTheEnd(t *testing.T) {
	t.Parallel()
	m, registry := setup(t)
	life, end := context.WithCancel(t.Context())
	m.Follow(life, func(ctx context.Context) (telemetry.Status, error) { return full(), ctx.Err() }, logger(t))
	if got := series(exposition(t, registry), "nightshift_redis_up"); len(got) != 1 {
		t.Fatalf("before the end: %v", got)
	}
	end()
	if got := series(exposition(t, registry), "nightshift_redis_up", "nightshift_lane"); len(got) != 0 {
		t.Errorf("after the end: %v", got)
	}
}
