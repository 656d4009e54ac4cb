package admission

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

// racerRun is set in the processes that TestRaceToTheCap starts: address of the
// Redis, prefix, variant, start of the day in Unix seconds and name of the process.
const racerRun = "ADMISSION_RACE"

const (
	racers     = 4  // processes
	goroutines = 16 // in each
	raceCap    = 1000
	raceJob    = 7
	raceKeys   = 3
)

func TestMain(m *testing.M) {
	if run := os.Getenv(racerRun); run != "" {
		if err := race(run); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// course is what is raced on: three keys of two teams, and which of the caps is the
// low one.
type course struct {
	scope  Kind
	period string // total or day
	day    time.Time
}

func (c course) String() string { return string(c.scope) + "/" + c.period }

// limits are those of a scope: all have caps, and one of them is the low one.
func (c course) limits(of Kind) Limits {
	caps := map[string]*job.CU{"total": cu(9 * raceCap), "day": cu(9 * raceCap), "month": cu(9 * raceCap)}
	if of == c.scope {
		caps[c.period] = cu(raceCap)
	}
	starts := Starts{c.day.AddDate(0, 0, -2), c.day, c.day.AddDate(0, 0, 2)}
	return Limits{CU: Caps{Total: caps["total"], Day: caps["day"], Month: caps["month"]}, Days: starts, Months: starts}
}

func (c course) candidates() []keyed {
	var all []keyed
	for _, in := range []Account{{"k1", "p1", "t1"}, {"k2", "p1", "t1"}, {"k3", "p2", "t2"}} {
		all = append(all, keyed{Account: in, Key: c.limits(Key), Project: c.limits(Project), Team: c.limits(Team)})
	}
	return all
}

// race runs the goroutines of one process until nothing more fits.
func race(run string) error {
	f := strings.Fields(run)
	client := redis.NewClient(&redis.Options{Addr: f[0], PoolSize: goroutines})
	defer func() { _ = client.Close() }() // the process ends here
	a := New(Options{Redis: client, Prefix: f[1]})
	joined, err := a.Join(context.Background())
	if err != nil || !joined {
		return fmt.Errorf("join: %t, %w", joined, err)
	}
	seconds, err := strconv.ParseInt(f[4], 10, 64)
	if err != nil {
		return err
	}
	c := course{scope: Kind(f[2]), period: f[3], day: time.Unix(seconds, 0)}
	var (
		workers sync.WaitGroup
		errs    = make([]error, goroutines)
	)
	for g := range goroutines {
		name := fmt.Sprintf("%s-%d", f[5], g)
		r := &racer{a: a, client: client, course: c, name: name, random: rand.New(rand.NewPCG(uint64(g), uint64(os.Getpid())))}
		workers.Go(func() { errs[g] = r.run() })
	}
	workers.Wait()
	return errors.Join(errs...)
}

// racer is one goroutine of one process.
type racer struct {
	a      *Admission
	client *redis.Client
	course course
	name   string
	random *rand.Rand
}

func (r *racer) abandoned() string { return r.a.keys.tag + "abandoned" }

func (r *racer) run() error {
	for i := range 100_000 {
		c := Claim{
			Ref: job.Ref{Batch: "potions", ID: job.ID(r.name + "-" + strconv.Itoa(i))}, Attempt: 1, Amount: raceJob * job.OneCU,
			Batch: r.course.limits(Batch), Candidates: candidatesOf(r.course.candidates()...),
		}
		r.random.Shuffle(raceKeys, func(i, j int) { c.Candidates[i], c.Candidates[j] = c.Candidates[j], c.Candidates[i] })
		c.Candidates = c.Candidates[:1+r.random.IntN(raceKeys)]
		grant, err := r.a.Reserve(context.Background(), c)
		if postponed, ok := errors.AsType[*job.PostponedError](err); ok {
			if postponed.After > pollAfter && len(c.Candidates) == raceKeys {
				return nil // all of every cap is spent, nothing comes back
			}
			err = r.pickUp()
		} else if err == nil {
			err = r.live(c, accountIn(c, grant.APIKey))
		}
		if err != nil {
			return err
		}
	}
	return errors.New("the caps are never full")
}

// live takes a grant through a random epoch.
func (r *racer) live(c Claim, in Account) error {
	ctx := context.Background()
	settle := func() error { return r.a.Settle(ctx, c.Ref, 1, in, c.Amount, 0) }
	release := func() error { return r.a.Release(ctx, c.Ref, 1, in) }
	free := func() error { return r.a.Free(ctx, Attempt{c.Ref, 1, in}) }
	again := func() error {
		got, err := r.a.Reserve(ctx, c)
		if err == nil && (!got.Again || got.APIKey != in.APIKey) {
			return fmt.Errorf("%s was granted twice: %+v", c.Ref, got)
		}
		return err
	}
	crash := func() error { return r.client.RPush(ctx, r.abandoned(), string(c.Ref.ID)).Err() }
	lives := [][]func() error{
		{settle}, {free, settle}, {again, settle}, {free, again, free, settle}, {release}, {free, release}, {again, release}, {crash}, {free, crash},
	}
	for _, do := range lives[r.random.IntN(len(lives))] {
		for range 1 + r.random.IntN(2) { // each call may be repeated
			if err := do(); err != nil {
				return err
			}
		}
	}
	switch r.random.IntN(4) { // of an attempt that is over, or that nobody owns
	case 0:
		return free()
	case 1:
		return r.a.Free(ctx, Attempt{c.Ref, 1, Account{APIKey: "k9"}})
	default:
		return nil
	}
}

// pickUp releases by name what some goroutine of some process abandoned, twice.
func (r *racer) pickUp() error {
	id, err := r.client.LPop(context.Background(), r.abandoned()).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	for range 2 {
		if err == nil {
			err = r.a.Release(context.Background(), job.Ref{Batch: "potions", ID: job.ID(id)}, 1, Account{APIKey: "k1"})
		}
	}
	return err
}
