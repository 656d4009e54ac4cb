package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// task is a batch that is to be worked on.
type task struct {
	room, manifest string
	api, redis     string // addresses
	conditions     conditions
}

// crew are the processes that work on a task.
type crew struct {
	lead    *process   // begins the batch, and ends when it is over if it is a worker itself
	workers []*process // those that make the images
	images  string     // folder
}

// A driver puts processes to work on a task.
type driver func(ctx context.Context, l *lab, t task) (*crew, error)

var drivers = map[string]driver{"run": driveRun, "workers": driveWorkers}

// driveRun works with the one process of enqueue run.
func driveRun(ctx context.Context, l *lab, t task) (*crew, error) {
	out := filepath.Join(t.room, "out")
	p, err := l.start(ctx, t.room, "enqueue", t.environ(), l.program("enqueue"), "run", "--out", out, t.manifest)
	if err != nil {
		return nil, err
	}
	return &crew{lead: p, workers: []*process{p}, images: out}, nil
}

// driveWorkers works as a studio does: enqueue submit hands the batch in, and
// workers make it.
func driveWorkers(ctx context.Context, l *lab, t task) (*crew, error) {
	out := filepath.Join(t.room, "out")
	environ := append(t.environ(), "NIGHTSHIFT_BUCKET=file://"+out, "NIGHTSHIFT_LISTEN=127.0.0.1:0")
	c := &crew{images: out}
	for n := range l.workers {
		p, err := l.start(ctx, t.room, fmt.Sprintf("worker%d", n+1), environ, l.program("worker"))
		if err != nil {
			c.stop()
			return nil, err
		}
		c.workers = append(c.workers, p)
	}
	var err error
	if c.lead, err = l.start(ctx, t.room, "enqueue", environ, l.program("enqueue"), "submit", t.manifest); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// environ are the settings of the product's programs.
func (t task) environ() []string {
	environ := []string{
		"SCENARIO_API_URL=" + t.api + "/v1", "SCENARIO_API_KEY=" + simulatorKey, "SCENARIO_API_SECRET=" + simulatorKey,
	}
	if t.redis != "" {
		environ = append(environ, "NIGHTSHIFT_REDIS="+t.redis)
	}
	if t.conditions.clientRPM > 0 {
		environ = append(environ, "NIGHTSHIFT_REQUESTS_PER_MINUTE="+strconv.Itoa(t.conditions.clientRPM))
	}
	return environ
}

// wait waits for the end of the batch and then ends the workers.
func (c *crew) wait(ctx context.Context) error {
	defer c.stop()
	if err := c.lead.wait(ctx); err != nil || c.workers[0] == c.lead {
		return err
	}
	return until(ctx, c.workers[0], c.reported)
}

// reported reads from the report that workers write whether they have made the batch.
func (c *crew) reported() (bool, error) {
	paths, err := filepath.Glob(filepath.Join(c.images, "test", "*", "report.json"))
	if err != nil || len(paths) == 0 {
		return false, err
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		return false, err
	}
	var report struct{ State string }
	if err := json.Unmarshal(data, &report); err != nil {
		return false, fmt.Errorf("read %s: %w", paths[0], err)
	}
	return report.State == "complete", nil
}

// stop ends all processes.
func (c *crew) stop() {
	if c.lead != nil {
		c.lead.stop()
	}
	for _, p := range c.workers {
		p.stop()
	}
}

// cpu is the processor time of those that make the images.
func (c *crew) cpu() (sum time.Duration, err error) {
	for _, p := range c.workers {
		used, failed := p.cpu()
		sum, err = sum+used, errors.Join(err, failed)
	}
	return sum, err
}

// peak is the most memory that one of those that make the images had, in bytes.
func (c *crew) peak() (most int64, err error) {
	for _, p := range c.workers {
		bytes, failed := p.peak()
		most, err = max(most, bytes), errors.Join(err, failed)
	}
	return most, err
}
