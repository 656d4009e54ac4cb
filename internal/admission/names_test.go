package admission

import (
	"strconv"
	"testing"
	"time"

	"nightshift/internal/job"
)

// names are such that careless keys would take one for another.
var names = []string{
	"", " ", "a", "a ", "a/1", "a/1/a", "1", "a/1/potions", "%2F", "a%2F1", "{a}", "}", "a}:key:b", "key:a", "team:a",
	"Ä", "ä", "a\u0308", "火", "a\nb", "a\x00b", "'", `"`, `\`, "*", "a*", "[a]", "?", "-", "-1", "0", "nil",
}

// Whatever things are called, each is counted for itself.
func TestNamesDoNotCollide(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		for i, name := range names {
			in := Account{APIKey: name, Project: name, Team: name}
			c := claim(job.ID(name), 0, keyed{Account: in})
			c.Ref.Batch, c.Amount = name, job.CU(i+1)
			if got := mustReserve(t, a, c); got.Again || got.Account != in {
				t.Errorf("%q: got %+v, want a new grant", name, got)
			}
			mustDo(t, a.Cooldown(t.Context(), in, job.WaitCooldown, false, time.Duration(i+1)*time.Minute))
			mustDo(t, a.LearnCeiling(t.Context(), in, i+1))
		}
		for i, name := range names {
			c := keyed{Account: Account{APIKey: name, Project: name, Team: name}, Project: Limits{RequestsPerMinute: 50}}
			u, err := usageOf(t.Context(), a, c, name, Limits{})
			mustDo(t, err)
			for _, scope := range []ScopeUsage{u.Key, u.Project, u.Team, u.Batch} {
				if scope.Reserved != job.CU(i+1) {
					t.Errorf("%q: got %+v, want %s CU reserved", name, scope, job.CU(i+1))
				}
			}
			if u.Team.Running != 1 || u.Team.Ceiling != i+1 || u.Project.RequestsLeft != 49 ||
				!u.Key.BlockedUntil.Equal(s.clock.time().Add(time.Duration(i+1)*time.Minute)) {
				t.Errorf("%q: got %+v, want its own counts", name, u)
			}
			grants, err := a.Live(t.Context(), name)
			if err != nil || len(grants) != 1 || grants[0].Ref != (job.Ref{Batch: name, ID: job.ID(name)}) || grants[0].In != c.Account {
				t.Errorf("%q: got the live grants %+v (%v)", name, grants, err)
			}
		}
	})
}

// An owner can be read back, and no two attempts have one.
func TestOwners(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, id := range names {
		for _, batch := range names {
			for _, attempt := range []int{1, 12} {
				want := job.Ref{Batch: batch, ID: job.ID(id)}
				text := owner(want, attempt)
				if got, n, ok := parseOwner(text); got != want || n != attempt || !ok || seen[text] {
					t.Fatalf("%+v, attempt %d: got %q, which reads as %+v, %d, %t", want, attempt, text, got, n, ok)
				}
				seen[text] = true
			}
		}
	}
	for _, text := range []string{"", "a", "a/1", "a/b/c"} {
		if _, _, ok := parseOwner(text); ok {
			t.Errorf("%q was read as an owner", text)
		}
	}
}

// Amounts up to a billion CU are exact to the thousandth.
func TestAmountsAreExact(t *testing.T) {
	const most = job.CU(1e12)
	onBoth(t, func(t *testing.T, s server) {
		a := s.admission(t)
		on, sum, settled := daily(0, utcDays(s.clock.time())), 10*most, job.CU(0)
		on.Key.CU = Caps{Total: &sum, Day: &sum, Month: &sum}
		reserve := func(i int, amount job.CU) error {
			c := claim(job.ID(strconv.Itoa(i)), 0, on)
			c.Amount = amount
			_, err := a.Reserve(t.Context(), c)
			return err
		}
		for i := range 9 {
			mustDo(t, reserve(i, most-job.CU(i)))
			bill := most - job.CU(2*i) - 1
			mustDo(t, a.Settle(t.Context(), ref(job.ID(strconv.Itoa(i))), 1, night, bill, 1))
			settled += bill - 1
		}
		rest := sum - settled
		wait := mustWait(t, reserve(9, rest+1), job.WaitKeyCU)
		if want := "cap of key night, 10000000000 CU: " + settled.String() + " spent or reserved, this job needs " + (rest + 1).String(); wait.Detail != want {
			t.Errorf("got %q, want %q", wait.Detail, want)
		}
		mustDo(t, reserve(9, rest))
		if u := usage(t, a, on).Key; u.Spent != settled || u.SpentToday != settled || u.SpentThis != settled || u.Reserved != rest {
			t.Errorf("got %+v, want %d spent and %d reserved", u, settled, rest)
		}
		mustWait(t, reserve(10, 1), job.WaitKeyCU)
		grants, err := a.Live(t.Context(), "potions")
		if err != nil || len(grants) != 1 || grants[0].Amount != rest {
			t.Errorf("got %+v (%v), want %d reserved at last", grants, err, rest)
		}
	})
}
