package admission

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/longtest"
)

// walker does random things to an Admission and a model.
type walker struct {
	t      *testing.T
	a      *Admission
	m      *model
	clock  *handClock
	random *rand.Rand
	names  []attemptRef
	lives  int
	seen   map[string]int
}

var (
	walkAccounts = []Account{{"k1", "p1", "t1"}, {"k2", "p1", "t1"}, {"k3", "p2", "t2"}}
	walkBatches  = []string{"potions", "swords/2"}
	walkZones    = []*time.Location{time.UTC, time.FixedZone("east", 5*3600+45*60), time.FixedZone("west", -8*3600)}
)

// Random sequences of everything that can happen to a grant, over several keys,
// batches, days, months, time zones and lives of Redis, end where the model says,
// after every step.
func TestAgainstModel(t *testing.T) {
	onBoth(t, func(t *testing.T, s server) {
		for seed := range uint64(longtest.Times(1, 2)) {
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				w := &walker{
					t: t, a: s.admission(t), clock: s.clock, random: rand.New(rand.NewPCG(seed, 2)),
					m: &model{grants: map[attemptRef]modelGrant{}}, seen: map[string]int{},
				}
				s.clock.set(time.Date(2026, 2, 26, 9, 0, 0, 0, time.UTC))
				w.walk()
			})
		}
	})
}

func (w *walker) walk() {
	w.renew()
	for step := range 250 {
		if w.random.IntN(3) == 0 {
			w.clock.move(time.Duration(w.random.ExpFloat64() * float64(2*time.Hour)))
		}
		w.m.now = w.clock.time()
		zone := walkZones[w.random.IntN(len(walkZones))]
		did := w.step(zone)
		w.seen[strings.Fields(did)[0]]++
		if w.check(zone); w.t.Failed() {
			w.t.Fatalf("after step %d: %s", step, did)
		}
		if step%10 == 9 {
			w.names[w.random.IntN(len(w.names))] = w.name() // what is over makes room
		}
	}
	for _, word := range []string{"granted", "again", "elsewhere", "settled", "wait", "settle", "nogrant", "release", "free", "adopt", "epoch"} {
		if w.seen[word] == 0 {
			w.t.Errorf("this walk never came to %q: %v", word, w.seen)
		}
	}
}

func (w *walker) name() attemptRef {
	id := job.ID(fmt.Sprintf("%d-%d", w.lives, w.random.IntN(1000)))
	return attemptRef{job.Ref{Batch: walkBatches[w.random.IntN(2)], ID: id}, 1 + w.random.IntN(2)}
}

// renew draws the attempts of an epoch: those that are open and new ones, since
// nobody asks again for what was over in another epoch.
func (w *walker) renew() {
	w.names = nil
	for name, g := range w.m.grants {
		if g.live() {
			w.names = append(w.names, name)
		}
	}
	slices.SortFunc(w.names, func(a, b attemptRef) int { return strings.Compare(owner(a.Ref, a.attempt), owner(b.Ref, b.attempt)) })
	for range 14 {
		w.names = append(w.names, w.name())
	}
}

// candidate has caps of every scope and period, each of which binds at times.
func (w *walker) candidate(in Account, zone *time.Location) keyed {
	return keyed{
		Account: in,
		Key:     Limits{Parallel: 4, CU: Caps{Total: cu(150), Day: cu(28)}, Days: daysOf(w.m.now, zone), Months: monthsOf(w.m.now, zone)},
		Project: Limits{CU: Caps{Month: cu(120), Day: cu(45)}, Days: daysOf(w.m.now, zone), Months: monthsOf(w.m.now, zone)},
		Team:    Limits{Parallel: 6, CU: Caps{Total: cu(260), Month: cu(130)}, Days: daysOf(w.m.now, zone), Months: monthsOf(w.m.now, zone)},
	}
}

func (w *walker) batchLimits(zone *time.Location) Limits {
	return Limits{CU: Caps{Total: cu(250), Day: cu(40)}, Days: daysOf(w.m.now, zone), Months: monthsOf(w.m.now, zone)}
}

// step does one thing to both and returns what it was.
func (w *walker) step(zone *time.Location) string {
	w.t.Helper()
	name, in := w.names[w.random.IntN(len(w.names))], walkAccounts[w.random.IntN(3)]
	ctx, amount := w.t.Context(), job.CU(w.random.IntN(9000))
	switch w.random.IntN(12) {
	case 0, 1, 2, 3:
		c := Claim{Ref: name.Ref, Attempt: name.attempt, Amount: amount, Batch: w.batchLimits(zone)}
		for _, i := range w.random.Perm(3)[:1+w.random.IntN(3)] {
			c.Candidates = append(c.Candidates, w.candidate(walkAccounts[i], zone).candidate())
		}
		want, got := w.m.reserve(c), answerOf(w.a.Reserve(ctx, c))
		if got != want {
			w.t.Errorf("got %s, want %s", got, want)
		}
		return want + " reserve " + name.String()
	case 4:
		charged := []time.Time{{}, w.m.now.Add(-time.Duration(w.random.IntN(100)) * time.Hour)}[w.random.IntN(2)]
		w.m.adopt(name, in, amount, charged)
		mustDo(w.t, w.a.Adopt(ctx, name.Ref, name.attempt, in, amount, charged))
		return "adopt " + name.String()
	case 5:
		w.m.free(name)
		mustDo(w.t, w.a.Free(ctx, Attempt{name.Ref, name.attempt, in}))
		return "free " + name.String()
	case 6:
		w.m.end(name, "released", 0)
		mustDo(w.t, w.a.Release(ctx, name.Ref, name.attempt, in))
		return "release " + name.String()
	case 7:
		if w.random.IntN(8) == 0 {
			w.newEpoch()
			return "epoch"
		}
	}
	return w.settle(name, in, amount)
}

func (w *walker) settle(name attemptRef, in Account, amount job.CU) string {
	billed, want, did := amount, error(nil), "settle "
	refunded := job.CU(w.random.Int64N(int64(billed) + 1))
	settled := w.m.grants[name].state == "settled"
	if !w.m.end(name, "settled", billed-refunded) && !settled {
		want, did = ErrNoGrant, "nogrant "
	}
	if err := w.a.Settle(w.t.Context(), name.Ref, name.attempt, in, billed, refunded); !errors.Is(err, want) {
		w.t.Errorf("got %v, want %v", err, want)
	}
	return did + name.String()
}

// newEpoch is what follows a loss: what was spent and what runs is told to a new epoch.
func (w *walker) newEpoch() {
	ctx := w.t.Context()
	mustDo(w.t, w.a.Begin(ctx))
	for s, spent := range w.m.slices() {
		mustDo(w.t, w.a.Seed(ctx, Account{s.APIKey, s.Project, s.Team}, s.Batch, s.Quarter, spent))
	}
	for name, g := range w.m.grants {
		if g.live() {
			mustDo(w.t, w.a.Adopt(ctx, name.Ref, name.attempt, g.in, g.amount, g.charged))
		}
	}
	mustDo(w.t, w.a.Ready(ctx))
	w.m.restore()
	w.lives++
	w.renew()
}

// check compares usage and live grants with the model.
func (w *walker) check(zone *time.Location) {
	w.t.Helper()
	for i, in := range walkAccounts {
		c, batch := w.candidate(in, zone), walkBatches[i%2]
		got, err := usageOf(w.t.Context(), w.a, c, batch, w.batchLimits(zone))
		if diff := cmp.Diff(w.m.usage(c, batch, w.batchLimits(zone)), got); diff != "" || err != nil {
			w.t.Errorf("%v, usage of %s (-want +got):\n%s", err, in.APIKey, diff)
		}
	}
	open := map[string]job.CU{}
	for _, batch := range walkBatches {
		grants, err := w.a.Live(w.t.Context(), batch)
		mustDo(w.t, err)
		for _, g := range grants {
			open[g.Ref.String()+" "+strconv.Itoa(g.Attempt.Attempt)+" "+g.In.APIKey] = g.Amount
		}
	}
	if diff := cmp.Diff(w.m.open(), open); diff != "" {
		w.t.Errorf("live grants (-want +got):\n%s", diff)
	}
}

// answerOf names what Reserve answered as the model does.
func answerOf(g Grant, err error) string {
	_, postponed := errors.AsType[*job.PostponedError](err)
	elsewhere, isElsewhere := errors.AsType[*GrantedElsewhereError](err)
	switch {
	case postponed:
		return "wait"
	case errors.Is(err, ErrSettled):
		return "settled"
	case isElsewhere:
		return "elsewhere " + elsewhere.APIKey
	case err != nil:
		return err.Error()
	case g.Again:
		return "again " + g.APIKey
	default:
		return "granted " + g.APIKey
	}
}
