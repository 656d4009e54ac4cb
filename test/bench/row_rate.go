package main

import (
	"context"
	"fmt"
	"time"
)

// steady is what a client did in a steady state.
type steady struct {
	window   time.Duration
	finished int
	requests int64 // answered
	refused  int64 // for their rate
}

func (s steady) perMinute() float64 { return float64(s.finished) / s.window.Minutes() }

func (s steady) perJob() float64 { return float64(s.requests) / float64(max(s.finished, 1)) }

// measureRate has 100 requests a minute, inferences of 30 s and a ceiling of 100. A
// job is finished when its image is in the folder; requests are those that the
// simulator answered in the same time.
func measureRate(ctx context.Context, l *lab) ([]line, error) {
	c := conditions{latency: 30 * time.Second, rpm: 100, parallel: 100}
	// The start is not steady: for half a minute no inference has ended.
	warm, window := 90*time.Second, pick(l, 6*time.Minute, time.Minute)
	jobs := int((warm + window + time.Minute).Minutes() * float64(c.rpm))
	measure := func(open opener) func() (steady, error) {
		return func() (steady, error) { return l.steadyState(ctx, open, jobs, c, warm, window) }
	}
	product, plain, err := both(measure(l.openProduct), measure(l.openPlain))
	if err != nil {
		return nil, err
	}
	settings := fmt.Sprintf("100 requests a minute, inferences of 30 s, ceiling 100; in %s", window)
	return []line{
		{
			What: "finished jobs a minute: " + settings, Target: "at least 92",
			Measured: fmt.Sprintf("%.1f (%d jobs)", product.perMinute(), product.finished),
			Plain:    fmt.Sprintf("%.1f (%d jobs)", plain.perMinute(), plain.finished),
			Verdict:  verdictOf(product.perMinute() >= 92),
		},
		{
			What: "API requests per finished job there", Target: "at most 1.25",
			Measured: fmt.Sprintf("%.2f (%d requests, %d refused)", product.perJob(), product.requests, product.refused),
			Plain:    fmt.Sprintf("%.1f (%d requests, %d refused)", plain.perJob(), plain.requests, plain.refused),
			Verdict:  verdictOf(product.finished > 0 && product.perJob() <= 1.25),
		},
	}, nil
}

// opener starts a client on a new batch.
type opener func(ctx context.Context, name string, jobs int, c conditions) (*side, error)

// steadyState watches a client for a time, once it has been at work for another.
func (l *lab) steadyState(ctx context.Context, open opener, jobs int, c conditions, warm, window time.Duration) (steady, error) {
	s, err := open(ctx, "rate", jobs, c)
	if err != nil {
		return steady{}, err
	}
	defer s.close()
	if err := pause(ctx, warm); err != nil {
		return steady{}, err
	}
	from := time.Now()
	before, err := s.simulator.totals(ctx)
	if err != nil {
		return steady{}, err
	}
	if err := pause(ctx, window); err != nil {
		return steady{}, err
	}
	to := time.Now()
	after, err := s.simulator.totals(ctx)
	if err != nil {
		return steady{}, err
	}
	l.logf("%s: %v", s.lead.name, after)
	times, err := images(s.images)
	return steady{
		window: to.Sub(from), finished: between(times, from, to),
		requests: after.counted() - before.counted(), refused: after.RateLimited - before.RateLimited,
	}, err
}
