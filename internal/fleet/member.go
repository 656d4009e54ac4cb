package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	heartbeatTick = time.Second
	// heartbeatKept is how long a heartbeat counts. Until then nobody else takes
	// anything from the process, so that it trusts its leases for as long.
	heartbeatKept = 5 * time.Second
	// missingFor is how long a heartbeat must be missing before its process is declared
	// dead: after an outage of Redis all of them are, for a moment.
	missingFor = 2 * time.Second
	// deathKept is how long it is remembered that a process was declared dead. What it
	// had is another's long before.
	deathKept = 24 * time.Hour
)

// What a heartbeat in Redis says; beat.lua, bury.lua and hold.lua write the same.
const (
	alive = "alive"
	dead  = "dead"
)

// ErrDeclaredDead says that this process stood still for so long that others have taken
// over what it did.
var ErrDeclaredDead = errors.New("the heartbeat of this process was missing, and others may have taken over its work")

// Member is this process among those that share a Redis. Its heartbeat tells the
// others that it lives. What a process holds, leases and jobs, is its own until its
// heartbeat is missing; then another declares it dead and takes over. Times are those
// of Redis, and no clocks of two machines are compared.
type Member struct {
	fleet   *Fleet
	name    string
	logger  *slog.Logger
	stop    context.CancelFunc
	beating sync.WaitGroup

	mu      sync.Mutex
	now     *identity
	unsure  *time.Timer          // fires when the last heartbeat does not count any more
	missing map[string]time.Time // processes without a heartbeat, and since when
}

// identity is the name under which a process holds things. It is over when the process
// was declared dead.
type identity struct {
	owner string
	sure  context.Context // until others may have taken over what it holds
	end   context.CancelCauseFunc
}

func newIdentity(owner string) *identity {
	sure, end := context.WithCancelCause(context.Background())
	return &identity{owner: owner, sure: sure, end: end}
}

// Join makes this process a member of the fleet, under a name that people know it by.
// Leave must be called. The error is Redis'.
func (f *Fleet) Join(ctx context.Context, name string, logger *slog.Logger) (*Member, error) {
	m := &Member{fleet: f, name: name, logger: logger, missing: make(map[string]time.Time)}
	m.now = newIdentity(m.newOwner())
	m.unsure = time.AfterFunc(heartbeatKept, m.doubt)
	if err := m.beat(ctx); err != nil {
		m.unsure.Stop()
		return nil, err
	}
	ctx, m.stop = context.WithCancel(context.WithoutCancel(ctx))
	m.beating.Go(func() { m.run(ctx) })
	return m, nil
}

func (m *Member) newOwner() string { return m.name + "/" + rand.Text() }

// Owner names this process in what it holds.
func (m *Member) Owner() string { return m.current().owner }

func (m *Member) current() *identity {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *Member) run(ctx context.Context) {
	ticker := time.NewTicker(heartbeatTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := m.beat(ctx); err != nil && ctx.Err() == nil {
			m.logger.DebugContext(ctx, "heartbeat not written, trying again", "err", err)
		}
	}
}

// beat writes the heartbeat. A process that was declared dead goes on under a new name.
func (m *Member) beat(ctx context.Context) error {
	for {
		id := m.current()
		alive, err := m.confirm(ctx, id)
		if err != nil || alive {
			return err
		}
		m.logger.WarnContext(ctx, "this process stood still and was declared dead; going on under a new name", "owner", id.owner)
		m.mu.Lock()
		id.end(ErrDeclaredDead)
		m.now = newIdentity(m.newOwner())
		m.mu.Unlock()
	}
}

// confirm writes the heartbeat of an identity and reports whether it is alive, and
// holds the leases given.
func (m *Member) confirm(ctx context.Context, id *identity, leases ...string) (bool, error) {
	sent := time.Now()
	keys := append([]string{m.fleet.heartbeatKey(id.owner)}, leases...)
	alive, err := beatScript.Run(ctx, m.fleet.redis, keys, id.owner, heartbeatKept.Milliseconds()).Bool()
	if err != nil {
		return false, fmt.Errorf("write heartbeat of %s: %w", id.owner, err)
	}
	if alive {
		m.trust(id, time.Until(sent.Add(heartbeatKept)))
	}
	return alive, nil
}

// trust lets an identity count for a time more.
func (m *Member) trust(id *identity, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now.owner != id.owner {
		return
	}
	m.unsure.Reset(d)
	if m.now.sure.Err() != nil {
		m.now = newIdentity(id.owner)
	}
}

// doubt ends what relies on the heartbeat: others may have declared this process dead.
func (m *Member) doubt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.end(ErrDeclaredDead)
}

// Leave tells the others that this process is gone; what it still holds is theirs at once.
func (m *Member) Leave(ctx context.Context) error {
	m.stop()
	m.beating.Wait()
	m.unsure.Stop()
	m.doubt()
	owner := m.Owner()
	if err := m.fleet.redis.Set(ctx, m.fleet.heartbeatKey(owner), dead, deathKept).Err(); err != nil {
		return fmt.Errorf("tell that %s is gone: %w", owner, err)
	}
	return nil
}

// Dead returns which of the processes are dead. The error is Redis'.
func (m *Member) Dead(ctx context.Context, owners []string) ([]string, error) {
	var gone []string
	beats, err := m.fleet.heartbeats(ctx, owners)
	for i, owner := range owners {
		if err != nil {
			break
		}
		over := beats[i] == dead
		if beats[i] == "" && m.missed(owner) {
			over, err = buryScript.Run(ctx, m.fleet.redis, []string{m.fleet.heartbeatKey(owner)}, int(deathKept.Seconds())).Bool()
		}
		if over {
			gone = append(gone, owner)
		}
		if beats[i] != "" || over {
			m.found(owner)
		}
	}
	if err != nil {
		m.forgetMissing()
		return nil, fmt.Errorf("ask which processes are alive: %w", err)
	}
	return gone, nil
}

// heartbeats are those of the owners: alive, dead, or "" where one is missing.
func (f *Fleet) heartbeats(ctx context.Context, owners []string) ([]string, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	keys := make([]string, len(owners))
	for i, owner := range owners {
		keys[i] = f.heartbeatKey(owner)
	}
	values, err := f.redis.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, err
	}
	beats := make([]string, len(owners))
	for i, value := range values {
		beats[i], _ = value.(string)
	}
	return beats, nil
}

// missed notes that a heartbeat is missing and reports whether it is for long enough.
func (m *Member) missed(owner string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	since, known := m.missing[owner]
	if !known {
		m.missing[owner] = time.Now()
		return false
	}
	return time.Since(since) >= missingFor
}

func (m *Member) found(owner string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.missing, owner)
}

func (m *Member) forgetMissing() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.missing)
}
