package app

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// gate gives the runner admission for one API key: it knows what the key is
// counted in and what its limits are.
type gate struct {
	admission *admission.Admission
	scope     admission.Scope // Batch is filled in for each job
	limits    admission.Limits
	budgets   map[string]*job.CU          // by batch
	windows   map[string]*manifest.Window // by batch
}

// readShare is the part of the request rate that is kept for lists and asset
// reads while jobs are submitted. One look and one bulk read every eight seconds
// fit into it at the documented hundred requests a minute.
const readShare = 0.15

func newGate(a *admission.Admission, s config.Settings) (*gate, error) {
	keyCap, err := s.KeyCap()
	if err != nil {
		return nil, err
	}
	return &gate{
		admission: a,
		scope:     admission.Scope{APIKey: "environment", Project: s.Project, Team: "environment"},
		limits: admission.Limits{
			RequestsPerMinute: s.RequestsPerMinute,
			ReadReserve:       max(1, int(float64(s.RequestsPerMinute)*readShare)),
			Parallel:          s.Parallel,
			KeyCU:             keyCap,
		},
		budgets: make(map[string]*job.CU),
		windows: make(map[string]*manifest.Window),
	}, nil
}

func (g *gate) scopeOf(batch string) admission.Scope {
	scope := g.scope
	scope.Batch = batch
	return scope
}

func (g *gate) limitsOf(batch string) admission.Limits {
	limits := g.limits
	limits.BatchCU = g.budgets[batch]
	return limits
}

func (g *gate) claim(ref job.Ref, attempt int, amount job.CU) admission.Claim {
	return admission.Claim{
		Scope: g.scopeOf(ref.Batch), Limits: g.limitsOf(ref.Batch), Job: ref.ID, Attempt: attempt, Amount: amount,
	}
}

func (g *gate) Reserve(ctx context.Context, ref job.Ref, attempt int, amount job.CU) error {
	if err := g.open(ref.Batch); err != nil {
		return err
	}
	grant, err := g.admission.Reserve(ctx, g.claim(ref, attempt, amount))
	if err != nil || !grant.Again {
		return err
	}
	return g.Request(ctx) // the grant's place in the rate may be long gone
}

// open postpones the jobs of a batch to the hours in which it may start them.
func (g *gate) open(batch string) error {
	window := g.windows[batch]
	if window == nil {
		return nil
	}
	now := time.Now()
	next := window.Next(now)
	if !next.After(now) {
		return nil
	}
	return &job.PostponedError{After: next.Sub(now), Reason: job.WaitWindow, Detail: "it is " + window.String()}
}

func (g *gate) Adopt(ctx context.Context, ref job.Ref, attempt int, amount job.CU) error {
	return g.admission.Adopt(ctx, g.claim(ref, attempt, amount))
}

func (g *gate) Request(ctx context.Context) error {
	return g.admission.Request(ctx, g.scope, g.limits)
}

func (g *gate) Free(ctx context.Context, ref job.Ref, attempt int) error {
	return g.admission.Free(ctx, g.scopeOf(ref.Batch), ref.ID, attempt)
}

// Settle counts a bill even if its reservation was lost with Redis: that may count
// one twice that was settled long ago, which is the safe side of a cap.
func (g *gate) Settle(ctx context.Context, ref job.Ref, attempt int, billed, refunded job.CU) error {
	err := g.admission.Settle(ctx, g.scopeOf(ref.Batch), ref.ID, attempt, billed, refunded)
	if !errors.Is(err, admission.ErrNoGrant) {
		return err
	}
	if err := g.Adopt(ctx, ref, attempt, billed); err != nil {
		return err
	}
	return g.admission.Settle(ctx, g.scopeOf(ref.Batch), ref.ID, attempt, billed, refunded)
}

func (g *gate) Release(ctx context.Context, ref job.Ref, attempt int) error {
	return g.admission.Release(ctx, g.scopeOf(ref.Batch), ref.ID, attempt)
}

func (g *gate) Hold(ctx context.Context, reason job.WaitReason, d time.Duration) error {
	return g.admission.Cooldown(ctx, g.scope, reason, d)
}

func (g *gate) LearnCeiling(ctx context.Context, ceiling int) error {
	return g.admission.LearnCeiling(ctx, g.scope, ceiling)
}

func (g *gate) Spare(ctx context.Context) (float64, error) {
	usage, err := g.admission.Usage(ctx, g.scope, g.limits)
	if err != nil {
		return 0, err
	}
	if usage.RequestsLeft < 0 {
		return 1, nil
	}
	return float64(usage.RequestsLeft) / float64(g.limits.RequestsPerMinute), nil
}

// pace waits for a place in the request rate.
func (g *gate) pace(ctx context.Context) error {
	for {
		err := g.Request(ctx)
		postponed, waiting := errors.AsType[*job.PostponedError](err)
		if !waiting {
			return err
		}
		timer := time.NewTimer(postponed.After)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}
