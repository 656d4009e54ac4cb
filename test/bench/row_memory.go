package main

import (
	"context"
	"fmt"
	"time"
)

const mib = 1 << 20

// measureMemory has a long manifest on a simulator without limits: how much memory
// the plan takes, how soon the first request is paid, and what worker and Redis hold
// while the batch goes on.
func measureMemory(ctx context.Context, l *lab) ([]line, error) {
	rows, length := pick(l, 1_000_000, 100_000), pick(l, time.Minute, 10*time.Second)
	c := conditions{latency: 2 * time.Second, rpm: -1, parallel: -1, clientRPM: 10_000_000}
	planning, err := l.planMemory(ctx, rows, c)
	if err != nil {
		return nil, err
	}
	load := loadNow()
	s, err := l.openProduct(ctx, "memory", rows, c)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := until(ctx, s.lead, func() (bool, error) {
		totals, err := s.simulator.totals(ctx)
		return totals.Accepted > 0, err
	}); err != nil {
		return nil, err
	}
	first := time.Since(s.lead.started)
	enqueue, err := s.lead.peak()
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, length); err != nil {
		return nil, err
	}
	worker, err := s.peak()
	if err != nil {
		return nil, err
	}
	used, peak, err := s.redis.memory(ctx)
	if err != nil {
		return nil, err
	}
	done, err := s.simulator.totals(ctx)
	if err != nil {
		return nil, err
	}
	inMiB := func(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/mib) }
	return []line{
		{
			What: fmt.Sprintf("memory of enqueue, JSONL of %d rows: until the first submission; of enqueue plan", rows), Target: "at most 128 MiB",
			Measured: inMiB(enqueue) + "; " + inMiB(planning), Verdict: verdictOf(max(enqueue, planning) <= 128*mib),
		},
		{
			What: fmt.Sprintf("memory of the process that works, after %s and %d jobs", length, done.Succeeded), Target: "at most 128 MiB",
			Measured: inMiB(worker), Verdict: verdictOf(worker <= 128*mib),
		},
		{
			What: "first submission after the start of enqueue; load " + load + " before", Target: "at most 2 s",
			Measured: fmt.Sprintf("%.1f s", first.Seconds()), Verdict: verdictOf(first <= 2*time.Second),
		},
		{
			What: "memory of Redis then; at most", Target: "at most 64 MB",
			Measured: fmt.Sprintf("%.1f MB; %.1f MB", float64(used)/1e6, float64(peak)/1e6), Verdict: verdictOf(peak <= 64_000_000),
		},
	}, nil
}

// planMemory is the most memory that enqueue plan has for a manifest, in bytes.
func (l *lab) planMemory(ctx context.Context, rows int, c conditions) (int64, error) {
	s, room, manifest, err := l.openSide(ctx, "plan", rows, c)
	defer s.close()
	if err != nil {
		return 0, err
	}
	t := task{api: s.simulator.url, conditions: c}
	p, err := l.start(ctx, room, "enqueue-plan", t.environ(), l.program("enqueue"), "plan", manifest)
	if err != nil {
		return 0, err
	}
	if err := p.wait(ctx); err != nil {
		return 0, err
	}
	return p.peak()
}
