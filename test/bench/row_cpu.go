package main

import (
	"context"
	"fmt"
	"time"
)

// pace is how fast a client was where nothing limited it, and what it took.
type pace struct {
	perSecond        float64
	cpu              float64 // ms per job, of the client
	redis, simulator float64 // ms per job, of the servers
	scripts          float64 // that Redis ran per job
}

// measureCPU has no limits, inferences that end at once, small images and a real
// Redis; on a disk, where every image is made durable with calls that take the kernel
// some time, and where there is one in a folder in memory. The time of each process
// is the kernel's account of it, its start and end included.
func measureCPU(ctx context.Context, l *lab) ([]line, error) {
	c := conditions{latency: 0, rpm: -1, parallel: -1, clientRPM: 10_000_000}
	lines, err := l.cpuLines(ctx, c, "folder on a disk")
	if err != nil || !hasMemoryDisk() {
		return lines, err
	}
	c.inMemory = true
	more, err := l.cpuLines(ctx, c, "folder in memory")
	return append(lines, more...), err
}

func (l *lab) cpuLines(ctx context.Context, c conditions, folder string) ([]line, error) {
	const repeats = 3
	jobs, load := pick(l, 4000, 1000), loadNow()
	product, err := l.paces(ctx, l.openProduct, jobs, c, repeats)
	if err != nil {
		return nil, err
	}
	plain, err := l.paces(ctx, l.openPlain, jobs, c, repeats)
	if err != nil {
		return nil, err
	}
	settings := fmt.Sprintf("%d jobs without limits, images of %d x %d, real Redis, %s; median of %d; load %s before", jobs, pixels, pixels, folder, repeats, load)
	return []line{
		{
			What: "worker CPU per job: " + settings, Target: "at most 2 ms",
			Measured: fmt.Sprintf("%.2f ms (beside it Redis %.2f, simulator %.2f)", product.cpu, product.redis, product.simulator),
			Plain:    fmt.Sprintf("%.2f ms (simulator %.2f)", plain.cpu, plain.simulator),
			Verdict:  verdictOf(product.cpu <= 2),
		},
		{
			What: "images stored a second there, Redis and simulator on the same cores", Target: "at least 400",
			Measured: fmt.Sprintf("%.0f", product.perSecond),
			Plain:    fmt.Sprintf("%.0f", plain.perSecond),
			Verdict:  verdictOf(product.perSecond >= 400),
		},
		{
			What: "scripts that Redis ran per job there", Target: "at most 12",
			Measured: fmt.Sprintf("%.1f", product.scripts),
			Plain:    "none",
			Verdict:  verdictOf(product.scripts <= 12),
		},
	}, nil
}

// paces is the median of several measurements, value by value.
func (l *lab) paces(ctx context.Context, open opener, jobs int, c conditions, repeats int) (pace, error) {
	var perSecond, cpu, redis, simulator, scripts []float64
	for range repeats {
		p, err := l.pace(ctx, open, jobs, c)
		if err != nil {
			return pace{}, err
		}
		l.logf("%+v", p)
		perSecond, cpu = append(perSecond, p.perSecond), append(cpu, p.cpu)
		redis, simulator, scripts = append(redis, p.redis), append(simulator, p.simulator), append(scripts, p.scripts)
	}
	return pace{median(perSecond), median(cpu), median(redis), median(simulator), median(scripts)}, nil
}

func (l *lab) pace(ctx context.Context, open opener, jobs int, c conditions) (p pace, err error) {
	s, err := open(ctx, "cpu", jobs, c)
	if err != nil {
		return p, err
	}
	defer s.close()
	times, err := s.complete(ctx, jobs)
	if err != nil {
		return p, err
	}
	p.perSecond = perSecond(times)
	perJob := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(jobs) }
	used, err := s.cpu()
	if err != nil {
		return p, err
	}
	p.cpu = perJob(used)
	if used, err = s.simulator.cpu(); err != nil {
		return p, err
	}
	p.simulator = perJob(used)
	if s.redis == nil {
		return p, nil
	}
	ran, err := s.redis.scripts(ctx)
	if err != nil {
		return p, err
	}
	p.scripts = float64(ran) / float64(jobs)
	used, err = s.redis.cpu()
	p.redis = perJob(used)
	return p, err
}
