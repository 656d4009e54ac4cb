package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"nightshift/internal/job"
	"nightshift/internal/telemetry"
)

var lists = telemetry.Lists{
	Operations: []string{"submit", "jobs", "assets"},
	KeyStates:  []string{"ready", "out of CU", "quarantined"},
}

var errRedis = errors.New("dial tcp 127.0.0.1:6379: connection refused")

// setup returns metrics in a registry of their own.
func setup(t *testing.T) (*telemetry.Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	return telemetry.New(registry, "1.2.3", lists), registry
}

func logger(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// exposition is what a scrape reads.
func exposition(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatalf("gather: %v", err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatalf("write %s: %v", family.GetName(), err)
		}
	}
	return text.String()
}

// series are the lines of an exposition that begin with one of the prefixes.
func series(text string, prefixes ...string) []string {
	var found []string
	for line := range strings.Lines(text) {
		for _, prefix := range prefixes {
			if strings.HasPrefix(line, prefix) {
				found = append(found, strings.TrimSuffix(line, "\n"))
			}
		}
	}
	return found
}

// full is a Standing in which everything is said.
func full() telemetry.Status {
	return telemetry.Status{
		Bucket: telemetry.Yes, Recovering: telemetry.No,
		Lanes: []telemetry.Lane{
			{
				Name: "studio/live", Jobs: map[job.State]int{job.Queued: 40, job.Running: 7, job.Storing: 2, job.Succeeded: 900},
				Useful: 3, Questions: 1, Blocked: job.WaitParallel,
				Waited: map[job.WaitReason]time.Duration{job.WaitParallel: 90 * time.Second, job.WaitRequestRate: 1500 * time.Millisecond},
			},
			{Name: "studio/test"},
		},
		Batches: map[string]int{telemetry.BatchActive: 2, telemetry.BatchPaused: 1},
		Keys: []telemetry.Key{
			{ID: "main", State: "ready", RequestsLeft: 61, Running: 7, Ceiling: 7},
			{ID: "spare", State: "quarantined", RequestsLeft: -1},
		},
		Caps: []telemetry.Cap{
			{Scope: "key", Name: "main", Period: "day", Used: 250 * job.OneCU, Limit: 1000 * job.OneCU},
			{Scope: "team", Name: "art", Period: "month", Used: job.OneCU, Limit: 0},
		},
	}
}

func always(s telemetry.Status, err error) func(context.Context) (telemetry.Status, error) {
	return func(context.Context) (telemetry.Status, error) { return s, err }
}
