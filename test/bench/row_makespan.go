package main

import (
	"context"
	"fmt"
	"time"
)

// measureMakespan has a ceiling of 6 and plenty of requests. The ideal is that every
// slot is taken again the moment it is free.
func measureMakespan(ctx context.Context, l *lab) ([]line, error) {
	jobs, latency := pick(l, 200, 60), pick(l, 20*time.Second, 5*time.Second)
	c := conditions{latency: latency, rpm: -1, parallel: 6, clientRPM: 6000}
	ideal := time.Duration((jobs+c.parallel-1)/c.parallel) * latency
	measure := func(open opener) func() (time.Duration, error) {
		return func() (time.Duration, error) { return l.makespan(ctx, open, jobs, c) }
	}
	product, plain, err := both(measure(l.openProduct), measure(l.openPlain))
	if err != nil {
		return nil, err
	}
	ratio := func(d time.Duration) string {
		return fmt.Sprintf("%.3f (%.1f s)", d.Seconds()/ideal.Seconds(), d.Seconds())
	}
	return []line{{
		What:   fmt.Sprintf("makespan against the ideal of %s: %d jobs of %s, ceiling 6, requests plenty", ideal, jobs, latency),
		Target: "at most 1.05", Measured: ratio(product), Plain: ratio(plain),
		Verdict: verdictOf(product.Seconds() <= 1.05*ideal.Seconds()),
	}}, nil
}

// makespan is the time from the start of a client to its last image.
func (l *lab) makespan(ctx context.Context, open opener, jobs int, c conditions) (time.Duration, error) {
	s, err := open(ctx, "makespan", jobs, c)
	if err != nil {
		return 0, err
	}
	defer s.close()
	times, err := s.complete(ctx, jobs)
	if err != nil {
		return 0, err
	}
	return times[len(times)-1].Sub(s.lead.started), nil
}

// complete waits for the end of a batch and returns when its images came, all of
// them.
func (s *side) complete(ctx context.Context, jobs int) ([]time.Time, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	times, err := images(s.images)
	if err == nil && len(times) != jobs {
		err = fmt.Errorf("%s made %d images of %d: %s", s.lead.name, len(times), jobs, s.lead.tail())
	}
	return times, err
}
