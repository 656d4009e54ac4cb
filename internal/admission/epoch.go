package admission

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/rediskeys"
)

// epoch is the epoch of Redis that this process takes part in.
type epoch struct{ name atomic.Value }

func (l *epoch) token() string {
	name, _ := l.name.Load().(string)
	return name
}

// Epoch names the epoch that this process takes part in; "" before the first.
func (a *Admission) Epoch() string { return a.epoch.token() }

// Join takes part in the epoch that Redis is in. It reports false if there is none:
// nothing was restored yet, or what was is lost.
func (a *Admission) Join(ctx context.Context) (bool, error) {
	token, open, err := a.read(ctx)
	if open {
		a.epoch.name.Store(token)
	}
	return open, err
}

// Alive reports whether Redis is still in the epoch that this process takes part in.
func (a *Admission) Alive(ctx context.Context) (bool, error) {
	token, _, err := a.read(ctx)
	return token != "" && token == a.epoch.token(), err
}

// Begun names the epoch that Redis is in, whether it is open or still being restored;
// "" if there is none.
func (a *Admission) Begun(ctx context.Context) (string, error) {
	token, _, err := a.read(ctx)
	return token, err
}

// read returns the epoch that Redis is in, "" if none, and whether it is open.
func (a *Admission) read(ctx context.Context) (token string, open bool, err error) {
	reply, err := a.run(ctx, beginScript, []string{a.keys.epoch(), a.keys.ready()}, "")
	if err != nil {
		return "", false, fmt.Errorf("read epoch of redis: %w", err)
	}
	return reply.text(0), reply.number(1) == 1, nil
}

// Begin begins a new epoch without any grants. Nothing is granted in it until
// Ready; before, Seed and Adopt tell what was spent and what runs. If another process
// begins one at the same time, the later stands and the earlier gets [ErrLost].
func (a *Admission) Begin(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return fmt.Errorf("begin a new epoch of redis: %w", err)
	}
	return nil
}

func (a *Admission) begin(ctx context.Context) error {
	token := strings.ToLower(rand.Text())
	if _, err := a.run(ctx, beginScript, []string{a.keys.epoch(), a.keys.ready()}, token); err != nil {
		return err
	}
	for _, kind := range []string{grantKind, settledKind, liveKind, slotsKind, cuKind} {
		err := rediskeys.Each(ctx, a.redis, a.keys.tag+kind, func(found []string) error {
			return inEpoch(a.run(ctx, clearScript, append([]string{a.keys.epoch()}, found...), token))
		})
		if err != nil {
			return err
		}
	}
	a.epoch.name.Store(token)
	return nil
}

// Seed counts what was spent in an account, by a batch, for a time, before this
// epoch. It is called once for each such amount, between Begin and Ready.
func (a *Admission) Seed(ctx context.Context, in Account, batch string, at time.Time, spent job.CU) error {
	if spent < 0 {
		return fmt.Errorf("count what batch %q spent before: it is negative", batch)
	}
	return a.change(ctx, "seed", change{of: Attempt{Ref: job.Ref{Batch: batch}, In: in}, Charged: at.UnixMilli(), Billed: int64(spent)})
}

// Ready opens the epoch that Begin began. If that is over it returns [ErrLost].
func (a *Admission) Ready(ctx context.Context) error {
	if err := inEpoch(a.run(ctx, readyScript, []string{a.keys.epoch(), a.keys.ready()}, a.epoch.token())); err != nil {
		return fmt.Errorf("open the new epoch of redis: %w", err)
	}
	return nil
}

// inEpoch is the error of a script that answers done or lost.
func inEpoch(reply answer, err error) error {
	if err == nil && reply.outcome() == lost {
		return ErrLost
	}
	return err
}
