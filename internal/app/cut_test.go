package app

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// errDead is what a killed worker hears from everybody.
var errDead = errors.New("process was killed")

// cutTransport is a worker's way to the provider.
type cutTransport struct {
	worker *hand
	next   http.RoundTripper
}

func (c cutTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.worker.dead.Load() {
		return nil, errDead
	}
	return c.next.RoundTrip(r)
}

// cutImages is a worker's way to the bucket.
type cutImages struct {
	worker *hand
	next   runner.Images
}

func (c cutImages) Existing(ctx context.Context, w runner.Wish) (job.Image, bool, error) {
	if c.worker.dead.Load() {
		return job.Image{}, false, errDead
	}
	return c.next.Existing(ctx, w)
}

func (c cutImages) Store(ctx context.Context, w runner.Wish, body io.Reader, length int64) (job.Image, error) {
	if c.worker.dead.Load() {
		return job.Image{}, errDead
	}
	return c.next.Store(ctx, w, body, length)
}

type cutResults struct {
	worker *hand
	next   runner.Results
}

func (c cutResults) Append(ctx context.Context, r job.Result) error {
	if c.worker.dead.Load() {
		return errDead
	}
	return c.next.Append(ctx, r)
}

type cutAttempts struct {
	worker *hand
	next   runner.Attempts
}

func (c cutAttempts) Note(ctx context.Context, line job.AttemptLine) error {
	if c.worker.dead.Load() {
		return errDead
	}
	return c.next.Note(ctx, line)
}

// redisClient is a worker's way to Redis.
func (w *hand) redisClient(c *crew) redis.UniversalClient {
	var open connections
	w.conns = open.closeAll
	client := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:6379", Protocol: 2, DisableIdentity: true, // never dialled
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			server := c.redis
			if w.dead.Load() {
				server = c.limbo
			}
			conn, err := server.Dial()
			if err == nil {
				open.add(conn)
			}
			return conn, err
		},
	})
	c.t.Cleanup(func() { _ = client.Close() }) // a killed worker's connections are closed already
	return client
}
