package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server tells one Redis from another. The name is kept in it and lost when it is emptied;
// the process is another one after a restart or a failover, which keep the name. So a
// server that shares either with what was noted of it is the same.
type Server struct {
	Name    string `json:"name"`
	Process string `json:"process,omitempty"` // "" where the server does not tell
}

// Same reports whether both are one server.
func (s Server) Same(other Server) bool {
	return s.Name != "" && s.Name == other.Name || s.Process != "" && s.Process == other.Process
}

const (
	serverKey  = "ns:server"
	renewedKey = "ns:server:renewed:" // and the identity of a bucket
)

var runID = regexp.MustCompile(`(?m)^run_id:(\w+)`)

// NamedServer is this Redis, which gets a name if it has none. The error is Redis'.
func (c *Claims) NamedServer(ctx context.Context) (Server, error) {
	if err := c.redis.SetNX(ctx, serverKey, strings.ToLower(rand.Text()[:12]), 0).Err(); err != nil {
		return Server{}, fmt.Errorf("name this Redis: %w", err)
	}
	return c.Server(ctx)
}

// Server is this Redis. It has no name if nothing was ever noted of it. The error is Redis'.
func (c *Claims) Server(ctx context.Context) (Server, error) {
	name, err := c.redis.Get(ctx, serverKey).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return Server{}, fmt.Errorf("read which Redis this is: %w", err)
	}
	server := Server{Name: name}
	if info, err := c.redis.Info(ctx, "server").Result(); err == nil { // some do not let everybody ask
		if found := runID.FindStringSubmatch(info); found != nil {
			server.Process = found[1]
		}
	}
	return server, nil
}

// NameServer gives this Redis the name back that it had before it was emptied.
func (c *Claims) NameServer(ctx context.Context, name string) error {
	if err := c.redis.Set(ctx, serverKey, name, 0).Err(); err != nil {
		return fmt.Errorf("name this Redis: %w", err)
	}
	return nil
}

// Renews reports whether the caller is the one, of all on this Redis, that renews for a
// bucket what is noted in it; one does within the time.
func (c *Claims) Renews(ctx context.Context, identity string, every time.Duration) (bool, error) {
	set, err := c.redis.SetNX(ctx, renewedKey+identity, 1, every).Result()
	if err != nil {
		return false, fmt.Errorf("ask who renews the notice in the bucket: %w", err)
	}
	return set, nil
}
