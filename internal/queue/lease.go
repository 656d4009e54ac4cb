package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Leases are rights to be the only one to do something.
type Leases struct {
	redis  redis.UniversalClient
	prefix string
}

// NewLeases returns the leases of a name, which may be any but ""; their keys begin
// with prefix, which holds no brace.
func NewLeases(client redis.UniversalClient, prefix, name string) *Leases {
	return &Leases{redis: client, prefix: poolPrefix(prefix, name)}
}

func (l *Leases) leaseKey(name string) string { return l.prefix + "lease:" + name }

// Hold takes or extends the lease of this name for ttl: the right to be the only
// one to do something. token names the holder. It reports false while another
// holds it. The holder trusts it from before the call until ttl less a margin.
func (l *Leases) Hold(ctx context.Context, name, token string, ttl time.Duration) (bool, error) {
	return l.hold(ctx, name, token, ttl, 0)
}

// Extend extends a lease that is held. It reports false where that is over, even if
// nobody holds it now: another may have come and gone.
func (l *Leases) Extend(ctx context.Context, name, token string, ttl time.Duration) (bool, error) {
	return l.hold(ctx, name, token, ttl, 1)
}

func (l *Leases) hold(ctx context.Context, name, token string, ttl time.Duration, extendOnly int) (bool, error) {
	held, err := holdScript.Run(ctx, l.redis, []string{l.leaseKey(name)}, token, ttl.Milliseconds(), extendOnly).Int()
	if err != nil {
		return false, fmt.Errorf("hold lease %s: %w", name, err)
	}
	return held == 1, nil
}

// Drop gives a lease back; one that is held by another is left alone.
func (l *Leases) Drop(ctx context.Context, name, token string) error {
	if err := dropScript.Run(ctx, l.redis, []string{l.leaseKey(name)}, token).Err(); err != nil {
		return fmt.Errorf("drop lease %s: %w", name, err)
	}
	return nil
}
