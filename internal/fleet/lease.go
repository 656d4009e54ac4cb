package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Lease is the right to be the only one to do something, for as long as the process
// that holds it lives.
type Lease struct {
	member *Member
	name   string
	id     *identity
}

// Hold takes the lease of this name, or takes it over from a process that is dead. It
// returns nil while another holds it. Taking a lease that is held already is no
// mistake. The error is Redis'.
func (m *Member) Hold(ctx context.Context, name string) (*Lease, error) {
	id := m.current()
	holder, err := m.holder(ctx, name)
	dead := ""
	if err == nil && holder != "" && holder != id.owner {
		var found []string
		if found, err = m.Dead(ctx, []string{holder}); len(found) > 0 {
			dead = holder
		}
	}
	if err == nil && holder == dead { // it is free, or its holder is dead
		holder, err = m.hold(ctx, name, id.owner, dead)
	}
	if err != nil {
		return nil, fmt.Errorf("take lease %s: %w", name, err)
	}
	if holder != id.owner {
		return nil, nil
	}
	return &Lease{member: m, name: name, id: id}, nil
}

// holder reads who holds a lease, "" if nobody does: most who ask are told so by this alone.
func (m *Member) holder(ctx context.Context, name string) (string, error) {
	holder, err := m.fleet.redis.Get(ctx, m.fleet.leaseKey(name)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return holder, err
}

func (m *Member) hold(ctx context.Context, name, owner, dead string) (holder string, err error) {
	keys := []string{m.fleet.leaseKey(name), m.fleet.heartbeatKey(owner)}
	return holdScript.Run(ctx, m.fleet.redis, keys, owner, dead).Text()
}

// While returns a context that is done when the lease may be another's, with cause
// ErrDeclaredDead.
func (l *Lease) While(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(l.id.sure, func() { cancel(context.Cause(l.id.sure)) })
	return ctx, func() { stop(); cancel(nil) }
}

// Sure makes sure of the lease before a step that would harm another holder's work:
// this process may have stood still since its last heartbeat. It returns
// ErrDeclaredDead if the lease is another's.
func (l *Lease) Sure(ctx context.Context) error {
	held, err := l.member.confirm(ctx, l.id, l.member.fleet.leaseKey(l.name))
	if err != nil {
		return fmt.Errorf("make sure of lease %s: %w", l.name, err)
	}
	if !held {
		return ErrDeclaredDead
	}
	return nil
}

// Drop gives the lease back; one that is another's by now is left alone.
func (l *Lease) Drop(ctx context.Context) error { return l.member.drop(ctx, l.name, l.id.owner) }

// Drop gives back the lease of this name if this process holds it.
func (m *Member) Drop(ctx context.Context, name string) error { return m.drop(ctx, name, m.Owner()) }

func (m *Member) drop(ctx context.Context, name, owner string) error {
	if err := dropScript.Run(ctx, m.fleet.redis, []string{m.fleet.leaseKey(name)}, owner).Err(); err != nil {
		return fmt.Errorf("drop lease %s: %w", name, err)
	}
	return nil
}

// freshBeat is the age up to which a heartbeat says that its process lives now, rather than
// that it did lately.
const freshBeat = 2*heartbeatTick + heartbeatTick/2

// Held reports whether a process holds the lease whose heart beats now. One that was just
// killed holds it for some seconds more. The error is Redis'.
func (f *Fleet) Held(ctx context.Context, name string) (bool, error) {
	holder, err := f.redis.Get(ctx, f.leaseKey(name)).Result()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	left := time.Duration(0)
	if err == nil {
		left, err = f.redis.PTTL(ctx, f.heartbeatKey(holder)).Result()
	}
	if err != nil {
		return false, fmt.Errorf("ask who holds lease %s: %w", name, err)
	}
	return left > heartbeatKept-freshBeat, nil
}

// WatchLease is the lease of who asks the provider what runs of a pool.
func WatchLease(pool string) string { return "watch:" + pool }
