package admission

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// racerAddr is set in the processes that TestRaceToTheCap starts: the Redis to
// race on. racerName tells them apart.
const (
	racerAddr = "ADMISSION_RACE_REDIS"
	racerName = "ADMISSION_RACE_NAME"
)

const (
	racers     = 4  // processes
	goroutines = 16 // in each
	raceCap    = 1000
	raceJob    = 7
	// raceTries ends with tries that keep what they get, so that whatever was
	// given back is taken again.
	raceTries = 999
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(racerAddr); addr != "" {
		if err := race(addr, os.Getenv(racerName)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func raceClaim(name string) Claim {
	return claim(job.ID(name), raceJob, Limits{BatchCU: cu(raceCap), KeyCU: cu(2 * raceCap)})
}

// race reserves, and at random frees, settles or releases, until the cap is full;
// it prints how many jobs it settled or holds.
func race(addr, name string) error {
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }() // the process ends here
	a := New(Options{Redis: client})
	var (
		kept    atomic.Int64
		workers sync.WaitGroup
		errs    = make([]error, goroutines)
	)
	for g := range goroutines {
		workers.Go(func() { errs[g] = raceOne(a, fmt.Sprintf("%s-%d", name, g), &kept) })
	}
	workers.Wait()
	fmt.Println(kept.Load())
	return errors.Join(errs...)
}

func raceOne(a *Admission, name string, kept *atomic.Int64) error {
	ctx := context.Background()
	for i := range raceTries {
		c := raceClaim(name + "-" + strconv.Itoa(i))
		_, err := a.Reserve(ctx, c)
		if postponed, ok := errors.AsType[*job.PostponedError](err); ok {
			if postponed.After == stuckAfter {
				return nil // all of the cap is spent, nothing comes back
			}
			continue
		}
		if err != nil {
			return err
		}
		switch i % 3 {
		case 0:
			err = a.Release(ctx, c.Scope, c.Job, c.Attempt)
		case 1:
			err = a.Settle(ctx, c.Scope, c.Job, c.Attempt, c.Amount, 0)
			kept.Add(1)
		default:
			err = a.Free(ctx, c.Scope, c.Job, c.Attempt)
			kept.Add(1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// 64 goroutines in 4 processes race to a cap of 1,000 CU with jobs of 7: it is
// never passed, whenever one looks, and in the end 994 CU are used.
func TestRaceToTheCap(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a := New(Options{Redis: server.Client(t)})
	var (
		processes, looking sync.WaitGroup
		outputs            = make([]string, racers)
		over               = make(chan job.CU, 1)
		finished           = make(chan struct{})
	)
	looking.Go(func() { look(t, a, finished, over) })
	for p := range racers {
		processes.Go(func() { outputs[p] = racer(t, server.Addr(), strconv.Itoa(p)) })
	}
	processes.Wait()
	close(finished)
	looking.Wait()
	select {
	case amount := <-over:
		t.Errorf("%s CU spent or reserved, cap %d", amount, raceCap)
	default:
	}
	kept := 0
	for _, output := range outputs {
		n, err := strconv.Atoi(strings.TrimSpace(output))
		if err != nil {
			t.Fatalf("racer said %q", output)
		}
		kept += n
	}
	const most = raceCap / raceJob
	used := usage(t, a, Limits{}).Batch
	if got := used.Spent + used.Reserved; got != most*raceJob*job.OneCU || kept != most {
		t.Errorf("got %s CU used and %d jobs kept, want %d CU and %d", got, kept, most*raceJob, most)
	}
}

// look reads the totals over and over until the race is finished, and reports the
// first sum above the cap.
func look(t *testing.T, a *Admission, finished <-chan struct{}, over chan<- job.CU) {
	for {
		select {
		case <-finished:
			return
		default:
		}
		u, err := a.Usage(t.Context(), nightScope, Limits{})
		if err != nil {
			t.Error(err)
			return
		}
		if sum := u.Batch.Spent + u.Batch.Reserved; sum > raceCap*job.OneCU {
			over <- sum
			return
		}
	}
}

// racer runs race in a process of its own.
func racer(t *testing.T, addr, name string) string {
	binary, err := os.Executable()
	if err != nil {
		t.Error(err)
		return ""
	}
	command := exec.CommandContext(t.Context(), binary)
	command.Env = append(os.Environ(), racerAddr+"="+addr, racerName+"="+name)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		t.Errorf("racer %s: %v", name, err)
	}
	return string(output)
}
