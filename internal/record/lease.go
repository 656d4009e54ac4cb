package record

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed hold.lua
var holdSource string

//go:embed drop.lua
var dropSource string

var (
	holdScript = redis.NewScript(holdSource)
	dropScript = redis.NewScript(dropSource)
)

// Hold takes or extends the lease of this name for ttl: the right to be the only
// one to do something. token names the holder. It reports false while another
// holds it. The holder trusts it from before the call until ttl less a margin.
func (s *Store) Hold(ctx context.Context, name, token string, ttl time.Duration) (bool, error) {
	return s.hold(ctx, name, token, ttl, 0)
}

// Extend extends a lease that is held. It reports false where that is over, even if
// nobody holds it now: another may have come and gone.
func (s *Store) Extend(ctx context.Context, name, token string, ttl time.Duration) (bool, error) {
	return s.hold(ctx, name, token, ttl, 1)
}

func (s *Store) hold(ctx context.Context, name, token string, ttl time.Duration, extendOnly int) (bool, error) {
	held, err := holdScript.Run(ctx, s.redis, []string{s.leaseKey(name)}, token, ttl.Milliseconds(), extendOnly).Int()
	if err != nil {
		return false, fmt.Errorf("hold lease %s: %w", name, err)
	}
	return held == 1, nil
}

// Drop gives a lease back; one that is held by another is left alone.
func (s *Store) Drop(ctx context.Context, name, token string) error {
	if err := dropScript.Run(ctx, s.redis, []string{s.leaseKey(name)}, token).Err(); err != nil {
		return fmt.Errorf("drop lease %s: %w", name, err)
	}
	return nil
}
