package admission

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// What the scripts have as constants.
const (
	pollAfter                           = time.Second
	stuckAfter                          = 30 * time.Second
	mostAhead                           = 10 * time.Second
	rememberedFor                       = time.Hour // a settled grant
	holdSpare                           = 10 * time.Second
	probeAfter, probeGuess, ceilingKept = 10 * time.Minute, time.Minute, 7 * 24 * time.Hour
)

// server is a Redis whose time the test moves.
type server struct {
	client redis.UniversalClient
	clock  *handClock
}

// onBoth runs a test on the emulator and on a real Redis, with a clock that stands
// until the test moves it.
func onBoth(t *testing.T, test func(t *testing.T, s server)) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		c := newClock(time.Now())
		client.AddHook(c)
		test(t, server{client, c})
	})
}

// admission returns an open Admission that shares nothing with that of another
// test.
func (s server) admission(t testing.TB) *Admission {
	t.Helper()
	// The emulator looks at all of its keys for each command.
	t.Cleanup(func() { mustDo(t, s.client.FlushAll(context.Background()).Err()) })
	return opened(t, s.client)
}

func opened(t testing.TB, client redis.UniversalClient) *Admission {
	t.Helper()
	a := New(Options{Redis: client, Prefix: t.Name()})
	mustDo(t, a.Begin(t.Context()))
	mustDo(t, a.Ready(t.Context()))
	return a
}

// emulated returns an open Admission on an emulator, for tests in virtual time.
func emulated(t testing.TB) *Admission {
	t.Helper()
	_, client := redistest.Emulator(t)
	return opened(t, client)
}

var (
	night = Account{APIKey: "night", Project: "icons", Team: "art"}
	day   = Account{APIKey: "day", Project: "levels", Team: "engine"}
	free  = keyed{Account: night} // without a limit
)

// keyed is a candidate with the limits of its scopes by name, and used what they use.
type keyed struct {
	Account            Account
	Key, Project, Team Limits
}

func (k keyed) candidate() Candidate {
	return Candidate{{Key, k.Account.APIKey, k.Key}, {Project, k.Account.Project, k.Project}, {Team, k.Account.Team, k.Team}}
}

func keyedOf(c Candidate) keyed {
	return keyed{Account: Account{c[0].Name, c[1].Name, c[2].Name}, Key: c[0].Limits, Project: c[1].Limits, Team: c[2].Limits}
}

func candidatesOf(all ...keyed) []Candidate {
	candidates := make([]Candidate, len(all))
	for i, k := range all {
		candidates[i] = k.candidate()
	}
	return candidates
}

type used struct{ Key, Project, Team, Batch ScopeUsage }

func usageOf(ctx context.Context, a *Admission, on keyed, batch string, ofBatch Limits) (used, error) {
	u, err := a.Usage(ctx, append(on.candidate(), Scope{Batch, batch, ofBatch})...)
	return used{u[Key], u[Project], u[Team], u[Batch]}, err
}

// claim asks for amount whole CU for an attempt of batch potions.
func claim(id job.ID, amount job.CU, candidates ...keyed) Claim {
	return Claim{Ref: ref(id), Attempt: 1, Amount: amount * job.OneCU, Candidates: candidatesOf(candidates...)}
}

func ref(id job.ID) job.Ref { return job.Ref{Batch: "potions", ID: id} }

// granted is a Grant with the account of its key, if that is a candidate.
type granted struct {
	Grant
	Account Account
}

func mustReserve(t testing.TB, a *Admission, c Claim) granted {
	t.Helper()
	grant, err := a.Reserve(t.Context(), c)
	if err != nil {
		t.Fatalf("%v (%s)", err, detail(err))
	}
	return granted{grant, accountIn(c, grant.APIKey)}
}

func accountIn(c Claim, apiKey string) Account {
	for _, candidate := range c.Candidates {
		if candidate[0].Name == apiKey {
			return keyedOf(candidate).Account
		}
	}
	return Account{APIKey: apiKey}
}

// mustSettle counts a bill of whole CU for attempt 1 of a job.
func mustSettle(t testing.TB, a *Admission, id job.ID, in Account, billed job.CU) {
	t.Helper()
	mustDo(t, a.Settle(t.Context(), ref(id), 1, in, billed*job.OneCU, 0))
}

// mustSpend reserves and settles whole CU.
func mustSpend(t testing.TB, a *Admission, id job.ID, amount job.CU, on keyed) {
	t.Helper()
	mustReserve(t, a, claim(id, amount, on))
	mustSettle(t, a, id, on.Account, amount)
}

// mustWait expects a postponed answer with this reason.
func mustWait(t testing.TB, err error, reason job.WaitReason) job.PostponedError {
	t.Helper()
	postponed, ok := errors.AsType[*job.PostponedError](err)
	if !ok || postponed.Reason != reason {
		t.Fatalf("got %v (%s), want to wait for %s", err, detail(err), reason)
	}
	return *postponed
}

// refused expects that a claim waits.
func refused(t testing.TB, a *Admission, c Claim, reason job.WaitReason) job.PostponedError {
	t.Helper()
	_, err := a.Reserve(t.Context(), c)
	return mustWait(t, err, reason)
}

func detail(err error) string {
	if postponed, ok := errors.AsType[*job.PostponedError](err); ok {
		return postponed.Detail
	}
	return ""
}

func mustDo(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func usage(t testing.TB, a *Admission, c keyed) used {
	t.Helper()
	u, err := usageOf(t.Context(), a, c, "potions", Limits{})
	mustDo(t, err)
	return u
}

func cu(whole job.CU) *job.CU { return new(whole * job.OneCU) }

func within(t testing.TB, got, want, slack time.Duration) {
	t.Helper()
	if got > want || got < want-slack {
		t.Errorf("got %s, want at most %s and at least %s", got, want, want-slack)
	}
}
