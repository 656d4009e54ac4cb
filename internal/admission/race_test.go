package admission

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// 64 goroutines in 4 processes race to caps of 1,000 CU with jobs of 7, over three
// keys of two teams: no cap of any scope and period is ever passed, whenever this
// process looks, and in the end 994 CU are used wherever the cap is the low one.
func TestRaceToTheCap(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := server.Client(t)
	for _, of := range []Kind{Key, Project, Team, Batch} {
		for _, period := range []string{"total", "day"} {
			c := course{scope: of, period: period, day: time.Now().Add(-12 * time.Hour).Truncate(15 * time.Minute)}
			t.Run(c.String(), func(t *testing.T) {
				a := opened(t, client)
				var (
					processes, looking sync.WaitGroup
					finished           = make(chan struct{})
				)
				looking.Go(func() { look(t, a, c, finished) })
				for p := range racers {
					processes.Go(func() {
						startRacer(t, fmt.Sprint(server.Addr(), " ", t.Name(), " ", of, " ", period, " ", c.day.Unix(), " ", p))
					})
				}
				processes.Wait()
				close(finished)
				looking.Wait()
				const want = raceCap / raceJob * raceJob * job.OneCU
				for name, s := range lowest(t, a, c) {
					if s.Spent != want || s.Reserved != 0 || s.Running != 0 {
						t.Errorf("%s: got %+v, want %s CU spent and none reserved", name, s, want)
					}
				}
				sameAsGrants(t, a, c)
			})
		}
	}
}

// lowest returns what the scopes with the low cap use, by name.
func lowest(t *testing.T, a *Admission, c course) map[string]ScopeUsage {
	all := map[string]ScopeUsage{}
	for _, candidate := range c.candidates() {
		u, err := usageOf(t.Context(), a, candidate, "potions", c.limits(Batch))
		if err != nil {
			t.Error(err)
			return nil
		}
		switch in := candidate.Account; c.scope {
		case Key:
			all[in.APIKey] = u.Key
		case Project:
			all[in.Project] = u.Project
		case Team:
			all[in.Team] = u.Team
		default:
			all["potions"] = u.Batch
		}
	}
	return all
}

// look reads the totals over and over until the race is finished.
func look(t *testing.T, a *Admission, c course, finished <-chan struct{}) {
	for !t.Failed() {
		for name, s := range lowest(t, a, c) {
			sum := map[string]job.CU{"total": s.Spent, "day": s.SpentToday, "month": s.SpentThis}[c.period] + s.Reserved
			if sum > raceCap*job.OneCU {
				t.Errorf("%s: %s CU spent or reserved, cap %d", name, sum, raceCap)
			}
		}
		select {
		case <-finished:
			return
		default:
		}
	}
}

// sameAsGrants checks that what is counted is what the grants hold.
func sameAsGrants(t *testing.T, a *Admission, c course) {
	t.Helper()
	grants, err := a.Live(t.Context(), "potions")
	mustDo(t, err)
	held := job.CU(0)
	for _, g := range grants {
		held += g.Amount
	}
	u, err := usageOf(t.Context(), a, c.candidates()[0], "potions", Limits{})
	if err != nil || held != u.Batch.Reserved || u.Batch.Spent == 0 {
		t.Errorf("the grants hold %s CU, Redis counts %+v (%v)", held, u.Batch, err)
	}
}

// startRacer runs race in a process of its own.
func startRacer(t *testing.T, run string) {
	binary, err := os.Executable()
	if err != nil {
		t.Error(err)
		return
	}
	command := exec.CommandContext(t.Context(), binary)
	command.Env = append(os.Environ(), racerRun+"="+run)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("racer %s: %v\n%s", strconv.Quote(run), err, strings.TrimSpace(string(output)))
	}
}
