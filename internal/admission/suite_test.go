package admission

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// emulator is a client of a new emulator.
func emulator(t testing.TB) redis.UniversalClient {
	t.Helper()
	_, client := redistest.Emulator(t)
	return client
}

var nightScope = Scope{APIKey: "night", Project: "icons", Team: "art", Batch: "potions"}

// claim asks for amount whole CU in nightScope.
func claim(id job.ID, amount job.CU, limits Limits) Claim {
	return Claim{Scope: nightScope, Limits: limits, Job: id, Attempt: 1, Amount: amount * job.OneCU}
}

func mustReserve(t *testing.T, a *Admission, c Claim) Grant {
	t.Helper()
	grant, err := a.Reserve(t.Context(), c)
	if err != nil {
		t.Fatalf("reserve %s: %v", c.Job, err)
	}
	return grant
}

// mustWait expects a postponed answer with this reason.
func mustWait(t *testing.T, err error, reason job.WaitReason) job.PostponedError {
	t.Helper()
	postponed, ok := errors.AsType[*job.PostponedError](err)
	if !ok || postponed.Reason != reason {
		t.Fatalf("got %v, want to wait for %s", err, reason)
	}
	return *postponed
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func usage(t *testing.T, a *Admission, l Limits) Usage {
	t.Helper()
	u, err := a.Usage(t.Context(), nightScope, l)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func cu(whole job.CU) *job.CU { return new(whole * job.OneCU) }

func within(t *testing.T, got, want, slack time.Duration) {
	t.Helper()
	if got > want || got < want-slack {
		t.Errorf("got %s, want at most %s and at least %s", got, want, want-slack)
	}
}
