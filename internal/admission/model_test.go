package admission

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// model is what admission is meant to be, without Redis: grants by name, and
// totals that are counted anew each time.
type model struct {
	grants map[job.ID]modelGrant
	spent  map[string]job.CU // by "key …" and "batch …"
}

type modelGrant struct {
	state  string // held, freed, settled, released
	scope  Scope
	amount job.CU
}

func (g modelGrant) live() bool { return g.state == "held" || g.state == "freed" }

func (m *model) reserved(in func(Scope) bool) (sum job.CU) {
	for _, g := range m.grants {
		if g.live() && in(g.scope) {
			sum += g.amount
		}
	}
	return sum
}

func (m *model) running(team string) (n int) {
	for _, g := range m.grants {
		if g.state == "held" && g.scope.Team == team {
			n++
		}
	}
	return n
}

func (m *model) usage(s Scope, l Limits) Usage {
	ofKey := m.reserved(func(o Scope) bool { return o.APIKey == s.APIKey })
	ofBatch := m.reserved(func(o Scope) bool { return o.Batch == s.Batch })
	return Usage{
		Key:          Spending{Spent: m.spent["key "+s.APIKey], Reserved: ofKey},
		Batch:        Spending{Spent: m.spent["batch "+s.Batch], Reserved: ofBatch},
		Running:      m.running(s.Team),
		Ceiling:      l.Parallel,
		RequestsLeft: -1,
	}
}

// reserve answers what Reserve must: "granted", "again", "settled" or "wait".
func (m *model) reserve(c Claim) string {
	g, u := m.grants[c.Job], m.usage(c.Scope, c.Limits)
	switch {
	case g.live():
		return "again"
	case g.state == "settled":
		return "settled"
	case u.Running >= c.Limits.Parallel,
		u.Key.Spent+u.Key.Reserved+c.Amount > *c.Limits.KeyCU,
		u.Batch.Spent+u.Batch.Reserved+c.Amount > *c.Limits.BatchCU:
		return "wait"
	}
	m.grants[c.Job] = modelGrant{"held", c.Scope, c.Amount}
	return "granted"
}

func (m *model) adopt(c Claim) {
	if g := m.grants[c.Job]; !g.live() && g.state != "settled" {
		m.grants[c.Job] = modelGrant{"held", c.Scope, c.Amount}
	}
}

// end moves a grant on from the states it may have.
func (m *model) end(id job.ID, to string, net job.CU) bool {
	g := m.grants[id]
	if !g.live() {
		return false
	}
	g.state = to
	m.grants[id] = g
	m.spent["key "+g.scope.APIKey] += net
	m.spent["batch "+g.scope.Batch] += net
	return true
}

// answerOf names what Reserve answered as the model does.
func answerOf(g Grant, err error) string {
	_, postponed := errors.AsType[*job.PostponedError](err)
	switch {
	case postponed:
		return "wait"
	case errors.Is(err, ErrSettled):
		return "settled"
	case err != nil:
		return err.Error()
	case g.Again:
		return "again"
	default:
		return "granted"
	}
}

// Random sequences of everything that can happen to a grant, repeats, other
// keys and late steps included, end where the model says, after every step.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		for seed := range uint64(4) {
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				a := New(Options{Redis: client, Prefix: t.Name()})
				walk(t, a, rand.New(rand.NewPCG(seed, 2)))
			})
		}
	})
}

func walk(t *testing.T, a *Admission, random *rand.Rand) {
	m := &model{grants: map[job.ID]modelGrant{}, spent: map[string]job.CU{}}
	limits := Limits{Parallel: 2 + random.IntN(3), KeyCU: cu(30), BatchCU: cu(60)}
	scopes := []Scope{
		{APIKey: "k1", Project: "p1", Team: "t1", Batch: "b"},
		{APIKey: "k2", Project: "p1", Team: "t1", Batch: "b"},
		{APIKey: "k3", Project: "p2", Team: "t2", Batch: "b"},
	}
	seen := map[string]int{}
	for step := range 250 {
		s := scopes[random.IntN(len(scopes))]
		c := Claim{
			Scope: s, Limits: limits, Attempt: 1,
			Job: job.ID(strconv.Itoa(random.IntN(12) + step/10)), Amount: job.CU(random.IntN(9000)),
		}
		name := m.step(t, a, c, random)
		seen[name]++
		for _, s := range scopes {
			got, err := a.Usage(t.Context(), s, limits)
			if diff := cmp.Diff(m.usage(s, limits), got); diff != "" || err != nil {
				t.Fatalf("after step %d, %s of job %s: %v, usage of %s (-want +got):\n%s", step, name, c.Job, err, s.APIKey, diff)
			}
		}
	}
	for _, name := range []string{"reserve: granted", "reserve: again", "reserve: wait", "reserve: settled", "settle: <nil>"} {
		if seen[name] == 0 {
			t.Errorf("this walk never came to %q: %v", name, seen)
		}
	}
}

// step does one thing to both and returns what it was.
func (m *model) step(t *testing.T, a *Admission, c Claim, random *rand.Rand) string {
	t.Helper()
	ctx, s := t.Context(), c.Scope
	switch random.IntN(8) {
	case 0, 1, 2:
		want := m.reserve(c)
		if got := answerOf(a.Reserve(ctx, c)); got != want {
			t.Fatalf("reserve for job %s: got %s, want %s", c.Job, got, want)
		}
		return "reserve: " + want
	case 3:
		if random.IntN(4) > 0 {
			return "nothing"
		}
		m.adopt(c)
		mustDo(t, a.Adopt(ctx, c))
		return "adopt"
	case 4:
		if g := m.grants[c.Job]; g.state == "held" {
			m.end(c.Job, "freed", 0)
		}
		mustDo(t, a.Free(ctx, s, c.Job, 1))
		return "free"
	case 5:
		m.end(c.Job, "released", 0)
		mustDo(t, a.Release(ctx, s, c.Job, 1))
		return "release"
	default:
		return m.settleStep(t, a, c, random)
	}
}

func (m *model) settleStep(t *testing.T, a *Admission, c Claim, random *rand.Rand) string {
	t.Helper()
	billed := job.CU(random.Int64N(int64(c.Amount) + 1))
	refunded := job.CU(random.Int64N(int64(billed) + 1))
	var want error
	if settled := m.grants[c.Job].state == "settled"; !settled && !m.end(c.Job, "settled", billed-refunded) {
		want = ErrNoGrant
	}
	err := a.Settle(t.Context(), c.Scope, c.Job, 1, billed, refunded)
	if !errors.Is(err, want) {
		t.Fatalf("settle job %s: got %v, want %v", c.Job, err, want)
	}
	return fmt.Sprintf("settle: %v", want)
}
