package plan_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/provider/scenario"
	"nightshift/internal/simulator"
)

// forgetful is a proxy that drops the query of the requests after the first few.
type forgetful struct {
	http.RoundTripper
	kept int64 // how many prices are asked for with their query
	seen atomic.Int64
}

func (f *forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && f.seen.Add(1) > f.kept {
		r = r.Clone(r.Context())
		r.URL.RawQuery = ""
	}
	return f.RoundTripper.RoundTrip(r)
}

// behind makes a catalog behind a proxy.
func behind(t *testing.T, proxy *forgetful) (*catalog, *simulator.Simulator) {
	t.Helper()
	sim, err := simulator.New(simulator.Options{
		Models: os.DirFS("testdata/models"), Keys: []simulator.Key{{Key: "planner", Secret: "s"}}, Seed: 1,
		Parallel: simulator.Unlimited, RequestsPerMinute: simulator.Unlimited,
	})
	if err != nil {
		t.Fatal(err)
	}
	proxy.RoundTripper = simulator.Transport(sim)
	client, err := scenario.New(scenario.Options{BaseURL: "http://sim", Key: "planner", Secret: "s", Transport: proxy})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &catalog{Catalog: client, models: map[string]int{}}, sim
}

// shapesOf are rows of so many prices.
func shapesOf(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"id": "r%d", "model": "model_lantern", "prompt": "lantern", "output": "{id}.{ext}", "parameters": {"steps": %d}}`+"\n", i, i+1)
	}
	return text.String()
}

// TestPaidDryRunStopsPlanning: the first dry run that turns out to be paid is the
// last, and the person is told which inference it was and what to look at.
func TestPaidDryRunStopsPlanning(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kept      int64 // dry runs that arrive whole
		refused   int   // dry runs that are refused before
		most      int   // paid inferences
		certainly bool  // exactly so many
	}{
		"from the first on":           {most: 1, certainly: true},
		"after refusals":              {refused: 3, most: 1, certainly: true},
		"after one that was not paid": {kept: 1, most: 4},
		"after several that were not": {kept: 20, most: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, sim := behind(t, &forgetful{kept: test.kept})
			refuse := test.refused
			c.fail = func(call, _ string) error {
				if call != "dry run" || refuse == 0 {
					return nil
				}
				refuse--
				return &job.ProviderError{Kind: job.ErrInvalid, Words: "Input mask is too dark"}
			}
			_, err := plan.Make(t.Context(), plan.Options{Manifest: open(t, "m.jsonl", shapesOf(40)), Catalog: c})
			paid, ok := errors.AsType[*job.PaidDryRunError](err)
			if !ok || isProblems(err) {
				t.Fatalf("planning ended with %v, want the paid dry run", err)
			}
			ledger := sim.Ledger()
			if len(ledger) > test.most || test.certainly && len(ledger) != test.most {
				t.Errorf("%d inferences were paid, want %d at the most", len(ledger), test.most)
			}
			if paid.Inference == "" || !strings.Contains(fmt.Sprint(ledger), paid.Inference) || !paid.CostKnown || paid.Cost == 0 {
				t.Errorf("the error tells of %+v, the ledger of %+v", paid, ledger)
			}
			if hint := job.Hint(err); !strings.Contains(hint, paid.Inference) || !strings.Contains(hint, "proxy") {
				t.Errorf("the hint is %q", hint)
			}
		})
	}
}

// TestNoPriceIsAskedBesideAnother until one dry run was free: the provider refuses
// the first, which a request to run would have been too.
func TestNoPriceIsAskedBesideAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCatalog(t)
		var asking, most, asked atomic.Int64
		c.fail = func(call, _ string) error {
			if call != "dry run" {
				return nil
			}
			most.Store(max(most.Load(), asking.Add(1)))
			defer asking.Add(-1)
			time.Sleep(time.Second)
			if asked.Add(1) <= 3 {
				return &job.ProviderError{Kind: job.ErrInvalid, Words: "Input mask is too dark"}
			}
			return &job.PaidDryRunError{Inference: "job_1"}
		}
		_, err := plan.Make(t.Context(), plan.Options{Manifest: open(t, "m.jsonl", shapesOf(40)), Catalog: c})
		if _, paid := errors.AsType[*job.PaidDryRunError](err); !paid || most.Load() != 1 || asked.Load() != 4 {
			t.Errorf("%d dry runs, %d at once, and %v; want 4, one by one, and the paid one", asked.Load(), most.Load(), err)
		}
	})
}

// TestEveryPaidDryRunIsTold: those under way when the first turned out to be paid
// may be paid too.
func TestEveryPaidDryRunIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCatalog(t)
		var asked atomic.Int64
		c.fail = func(call, _ string) error {
			if call != "dry run" {
				return nil
			}
			number := asked.Add(1)
			if number == 1 {
				return nil
			}
			time.Sleep(time.Second) // until all that are asked at once are under way
			return &job.PaidDryRunError{Inference: fmt.Sprintf("job_%d", number)}
		}
		_, err := plan.Make(t.Context(), plan.Options{Manifest: open(t, "m.jsonl", shapesOf(40)), Catalog: c})
		for _, id := range []string{"job_2", "job_3", "job_4", "job_5"} {
			if err == nil || !strings.Contains(err.Error(), "inference "+id) {
				t.Errorf("%v does not tell of %s", err, id)
			}
		}
		if asked.Load() != 5 {
			t.Errorf("%d dry runs, want no more than 5", asked.Load())
		}
	})
}

// TestRefusalWithoutWordsOfItsOwn: a refusal that does not come from the provider
// is told as it is.
func TestRefusalWithoutWordsOfItsOwn(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	c.fail = func(call, _ string) error {
		if call == "dry run" {
			return fmt.Errorf("price: %w", job.ErrInvalid)
		}
		return nil
	}
	if got := complaints(t, open(t, "m.jsonl", row("")), c); !strings.Contains(got, "refuses this job: price: invalid request;") {
		t.Errorf("complaints: %s", got)
	}
}
