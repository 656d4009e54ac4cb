package runner_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
)

// memoryAdmission grants slots and CU on the keys that it has, and keeps what it is
// told about limits.
type memoryAdmission struct {
	keys    []string
	held    map[attempt]*grant
	settled map[attempt]bool
	spent   job.CU
	ceiling int    // 0: none
	budget  job.CU // 0: none
	resting map[string]rest
	learned []string // in its order
	faults  []string // what nobody may ask of it
}

type attempt struct {
	ref    job.Ref
	number int
}

type grant struct {
	apiKey string
	amount job.CU
	slot   bool
}

type rest struct {
	reason job.WaitReason
	until  time.Time
}

func newMemoryAdmission(keys ...string) *memoryAdmission {
	return &memoryAdmission{
		keys: keys, held: make(map[attempt]*grant), settled: make(map[attempt]bool), resting: make(map[string]rest),
	}
}

func (m *memoryAdmission) reserve(a attempt, quote job.CU, avoid []string) (string, error) {
	if g := m.held[a]; g != nil {
		if slices.Contains(avoid, g.apiKey) || !slices.Contains(m.keys, g.apiKey) {
			return "", job.ErrOtherKey
		}
		return g.apiKey, nil
	}
	running, reserved := 0, job.CU(0)
	for _, g := range m.held {
		reserved += g.amount
		if g.slot {
			running++
		}
	}
	if m.ceiling > 0 && running >= m.ceiling {
		return "", &job.PostponedError{After: time.Second, Reason: job.WaitParallel}
	}
	if m.budget > 0 && m.spent+reserved+quote > m.budget {
		return "", &job.PostponedError{After: time.Minute, Reason: job.WaitBatchCU}
	}
	wait := &job.PostponedError{After: time.Minute, Reason: job.WaitNoKey}
	for _, key := range m.keys {
		if slices.Contains(avoid, key) {
			continue
		}
		if left := time.Until(m.resting[key].until); left > 0 {
			wait = &job.PostponedError{After: left, Reason: m.resting[key].reason}
			continue
		}
		m.held[a] = &grant{apiKey: key, amount: quote, slot: true}
		return key, nil
	}
	return "", wait
}

func (m *memoryAdmission) settle(a attempt, spent job.CU) {
	if m.held[a] == nil && !m.settled[a] {
		m.faults = append(m.faults, fmt.Sprintf("attempt %d of %s is settled, and nothing was held for it", a.number, a.ref))
	}
	if !m.settled[a] {
		m.spent += spent
	}
	m.settled[a] = true
	delete(m.held, a)
}

// processAdmission is admission as one process reaches it.
type processAdmission struct{ p *process }

func (s processAdmission) do(ctx context.Context, name string, call func(*memoryAdmission) error) error {
	return s.p.call(ctx, name, func() error { return call(s.p.bed.admission) })
}

func (s processAdmission) Reserve(ctx context.Context, ref job.Ref, number int, quote job.CU, avoid []string) (apiKey string, after time.Duration, err error) {
	err = s.do(ctx, "reserve", func(m *memoryAdmission) (err error) {
		apiKey, err = m.reserve(attempt{ref, number}, quote, avoid)
		return err
	})
	return apiKey, 0, err
}

func (s processAdmission) Granted(ctx context.Context, ref job.Ref, number int) (held bool, err error) {
	err = s.do(ctx, "look for a grant", func(m *memoryAdmission) error {
		held = m.held[attempt{ref, number}] != nil
		return nil
	})
	return held, err
}

func (s processAdmission) Adopt(ctx context.Context, ref job.Ref, number int, quote job.CU, apiKey string, _ time.Time) error {
	return s.do(ctx, "adopt grant", func(m *memoryAdmission) error {
		a := attempt{ref, number}
		if m.held[a] == nil && !m.settled[a] {
			m.held[a] = &grant{apiKey: apiKey, amount: quote, slot: true}
		}
		return nil
	})
}

func (s processAdmission) Others(avoid []string) (others bool) {
	s.p.bed.do(func() {
		others = slices.ContainsFunc(s.p.bed.admission.keys, func(key string) bool { return !slices.Contains(avoid, key) })
	})
	return others
}

func (s processAdmission) Request(ctx context.Context, apiKey string) error {
	return s.do(ctx, "ask for a request", func(m *memoryAdmission) error {
		if left := time.Until(m.resting[apiKey].until); left > 0 && m.resting[apiKey].reason == job.WaitRequestRate {
			return &job.PostponedError{After: left, Reason: job.WaitRequestRate}
		}
		return nil
	})
}

func (s processAdmission) Free(ctx context.Context, ended []*job.Record) error {
	return s.do(ctx, "free slots", func(m *memoryAdmission) error {
		for _, rec := range ended {
			if g := m.held[attempt{rec.Ref, rec.Attempt}]; g != nil {
				g.slot = false
			}
		}
		return nil
	})
}

func (s processAdmission) Settle(ctx context.Context, ref job.Ref, number int, _ string, billed, refunded job.CU) error {
	return s.do(ctx, "settle", func(m *memoryAdmission) error {
		m.settle(attempt{ref, number}, billed-refunded)
		return nil
	})
}

func (s processAdmission) Release(ctx context.Context, ref job.Ref, number int, _ string) error {
	return s.do(ctx, "release", func(m *memoryAdmission) error {
		delete(m.held, attempt{ref, number})
		return nil
	})
}

func (s processAdmission) Hold(ctx context.Context, apiKey string, reason job.WaitReason, team bool, d time.Duration) error {
	return s.do(ctx, "hold key", func(m *memoryAdmission) error {
		whose := apiKey
		if team {
			whose = "team of " + apiKey
		}
		m.learned = append(m.learned, fmt.Sprintf("%s rests for %s", whose, reason))
		m.resting[apiKey] = rest{reason, time.Now().Add(d)}
		return nil
	})
}

func (s processAdmission) Refuse(ctx context.Context, apiKey, why string) (*job.PostponedError, error) {
	wait := &job.PostponedError{After: time.Minute, Reason: job.WaitQuarantine, NeedsOperator: true, Detail: why}
	return wait, s.Hold(ctx, apiKey, wait.Reason, false, wait.After)
}

func (s processAdmission) LearnCeiling(ctx context.Context, apiKey string, ceiling int) error {
	return s.do(ctx, "learn ceiling", func(m *memoryAdmission) error {
		m.learned = append(m.learned, fmt.Sprintf("ceiling of %s is %d", apiKey, ceiling))
		m.ceiling = ceiling
		return nil
	})
}

func (s processAdmission) Spare(ctx context.Context, _ string) (float64, error) {
	return 0.4, s.do(ctx, "ask for spare requests", func(*memoryAdmission) error { return nil })
}
