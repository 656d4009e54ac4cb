package nights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/app"
	"nightshift/internal/cli"
	"nightshift/internal/job"
	"nightshift/internal/provider/scenario"
	"nightshift/internal/simulator"
)

// stranger is another program that works with the same API key.
type stranger struct {
	n      *night
	client *scenario.Client

	mu   sync.Mutex
	runs []string
}

func (n *night) stranger() *stranger {
	n.t.Helper()
	client, err := scenario.New(scenario.Options{BaseURL: "http://simulator/v1", Key: onlyKey, Secret: onlyKey, Transport: simulator.Transport(n.sim)})
	if err != nil {
		n.t.Fatal(err)
	}
	return &stranger{n: n, client: client}
}

// starts starts a run. Its reply may be lost, too.
func (s *stranger) starts(model string, inputs job.Inputs) {
	run, err := s.client.Submit(s.n.t.Context(), time.Time{}, job.Request{Model: model, Inputs: inputs})
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = append(s.runs, run.ID)
}

// TestStrangersAreNeverAdopted has another program run nearly the same on the same
// key while replies are lost.
func TestStrangersAreNeverAdopted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		manifest string
		model    string
		inputs   func(i int) job.Inputs
	}{
		{"other seeds", etchings(60), etching, func(i int) job.Inputs {
			return job.Inputs{"prompt": fmt.Sprintf("potion number %d", i%60+1), "seed": json.Number("4000")}
		}},
		{"other prompts", woodcuts(6, 10), woodcut, func(i int) job.Inputs {
			return job.Inputs{"prompt": fmt.Sprintf("potion of kind %d.", i%6+1)}
		}},
		{"one input more", woodcuts(6, 10), woodcut, func(i int) job.Inputs {
			return job.Inputs{"prompt": fmt.Sprintf("potion of kind %d", i%6+1), "mood": "dark"}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNight(t, simulator.Options{Parallel: 90, RequestsPerMinute: 900, Seed: 1}, test.manifest)
				if err := n.sim.SetFaults(lostReplies(0.3)...); err != nil {
					t.Fatal(err)
				}
				other := n.stranger()
				s := n.run()
				for i := 0; s.running(); i++ {
					other.starts(test.model, test.inputs(i))
					time.Sleep(time.Second) // virtual
				}
				s.complete(time.Second)
				ours, theirs := make(map[string]bool), []string{}
				for _, j := range n.planned() {
					ours[content(j.Model, j.Inputs)] = true
				}
				for _, entry := range n.sim.Ledger() {
					if !ours[content(entry.Model, entry.Input)] {
						theirs = append(theirs, entry.JobID)
					}
				}
				if len(theirs) < 10 {
					t.Fatalf("the other program started %d runs, too few to be mistaken", len(theirs))
				}
				for _, result := range n.succeeded() {
					if slices.Contains(theirs, result.Inference) {
						t.Errorf("%s was given a run of the other program", result.Row)
					}
				}
				n.paidOnce(theirs...)
				n.allStored()
			})
		})
	}
}

// TestEqualStrangers has another program ask for exactly the same as jobs without
// seeds whose replies are lost. With one run for one job it is that; with more, a
// person is asked, and the run ends once nothing else is left to do. What the person
// says is done by the next run.
func TestEqualStrangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Seed: 1}, woodcuts(4, 1))
		other := n.stranger()
		equalTo := func(kind int) job.Inputs { return job.Inputs{"prompt": fmt.Sprintf("potion of kind %d", kind)} }
		asked := make(map[string]bool)
		n.wire.rig(func(paid *paidRequest, next func() (*http.Response, error)) (*http.Response, error) {
			prompt := fmt.Sprint(paid.inputs["prompt"])
			kind := strings.TrimPrefix(prompt, "potion of kind ")
			if asked[kind] {
				return next()
			}
			asked[kind] = true
			switch kind {
			case "1": // never arrives, and the other program asks for the same
				other.starts(woodcut, equalTo(1))
				return nil, errCut
			case "2": // arrives, as the other's does
				other.starts(woodcut, equalTo(2))
				response, err := next()
				if err == nil {
					_ = response.Body.Close() // its reply is lost
				}
				return nil, errCut
			case "3": // never arrives, and the other's does twice
				other.starts(woodcut, equalTo(3))
				other.starts(woodcut, equalTo(3))
				return nil, errCut
			default:
				return next()
			}
		})
		first := n.run()
		if code := first.end(10 * time.Minute); code != exitSomeFailed {
			t.Fatalf("code %d: %s", code, first.out.last())
		}
		if end := first.out.summary(); end.Outcome != "blocked" || !strings.Contains(end.Reason+end.Hint, "enqueue resolve") || end.Jobs.NotRun != 2 {
			t.Errorf("a run that only waits for a person ends with %+v", end)
		}
		asks := n.resolveList()
		if len(asks) != 2 || !strings.HasSuffix(asks[0].Prompt, "2") || !strings.HasSuffix(asks[1].Prompt, "3") {
			t.Fatalf("it asks %+v, want jobs of the kinds 2 and 3", asks)
		}
		for _, ask := range asks {
			if len(ask.Candidates) != 2 {
				t.Errorf("%s has candidates %+v, want 2", ask.Row, ask.Candidates)
			}
			answer := []string{"--resend"}
			if strings.HasSuffix(ask.Prompt, "2") {
				own := slices.DeleteFunc(slices.Clone(ask.Candidates), func(c job.Candidate) bool { return slices.Contains(other.runs, c.Inference) })
				answer = []string{"--run", own[0].Inference}
			}
			n.resolve(ask.Row, answer...)
		}
		n.run().complete(10 * time.Minute)
		n.allStored()
		if len(n.questions()) > 0 {
			t.Errorf("still asked: %+v", n.questions())
		}
		paid := make(map[string]int)
		for _, entry := range n.ours(other.runs) {
			paid[fmt.Sprint(entry.Input["prompt"])]++
		}
		want := map[string]int{"potion of kind 2": 1, "potion of kind 3": 1, "potion of kind 4": 1}
		if diff := cmp.Diff(want, paid); diff != "" {
			t.Errorf("runs that we paid (-want +got):\n%s", diff)
		}
	})
}

// An asset of another program that the provider names for a job of ours is not stored as its
// image.
func TestAssetsOfStrangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Seed: 1}, etchings(3))
		n.stranger().starts(etching, job.Inputs{"prompt": "a flower", "seed": json.Number("1")})
		if err := n.sim.SetFaults(simulator.Fault{Kind: simulator.FaultForeignAssets, Next: 1}); err != nil {
			t.Fatal(err)
		}
		if s := n.run(); s.end(time.Hour) != exitSomeFailed {
			t.Errorf("it ended with %d: %s", s.code, s.out.last())
		}
		made := make(map[string][]string)
		for _, entry := range n.sim.Ledger() {
			made[entry.JobID] = entry.Assets
		}
		for _, result := range n.succeeded() {
			if asset := result.Images[0].Asset; !slices.Contains(made[result.Inference], asset) {
				t.Errorf("%s shows asset %s, which its inference has not made", result.Row, asset)
			}
		}
		if failed := n.failed(); len(failed) != 1 || !strings.Contains(failed[0].Reason, "was made by inference") {
			t.Errorf("want one failure that names the other inference, got %+v", failed)
		}
	})
}

// TestAnswerWhileItRuns decides a question while the run that asks it goes on.
func TestAnswerWhileItRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(20*time.Second, 20*time.Second), Seed: 1}, woodcuts(12, 1), "NIGHTSHIFT_PARALLEL=2")
		other := n.stranger()
		lost := false
		n.wire.rig(func(paid *paidRequest, next func() (*http.Response, error)) (*http.Response, error) {
			if lost {
				return next()
			}
			lost = true
			other.starts(paid.model, paid.inputs)
			other.starts(paid.model, paid.inputs)
			return nil, errCut
		})
		s := n.run()
		n.until("a question is asked", 2*time.Minute, func() bool { return len(n.questions()) == 1 })
		n.resolve(n.questions()[0].Row, "--resend")
		s.complete(10 * time.Minute)
		n.paidOnce(other.runs...)
		n.allStored()
	})
}

// resolveList is what `enqueue resolve` shows to programs.
func (n *night) resolveList() []job.Decision {
	n.t.Helper()
	var shown struct{ Questions []job.Decision }
	if err := json.Unmarshal([]byte(n.resolve("", "--json")), &shown); err != nil {
		n.t.Fatal(err)
	}
	return shown.Questions
}

// resolve is the command of this name, for a row or for all.
func (n *night) resolve(row string, flags ...string) string {
	n.t.Helper()
	args := append([]string{"resolve", "--out", n.folder, n.file}, flags...)
	if row != "" {
		args = append(args, row)
	}
	var out, complaints bytes.Buffer
	if code := cli.Enqueue(n.t.Context(), app.Process{Args: args, Environ: n.environ, Stdout: &out, Stderr: &complaints}); code != exitDone {
		n.t.Fatalf("enqueue %v ended with code %d: %s", args, code, complaints.String())
	}
	return out.String()
}
