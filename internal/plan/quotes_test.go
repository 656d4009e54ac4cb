package plan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/provider/scenario"
	"nightshift/internal/simulator"
)

// market is a simulator on which several plans are made, with the prices that
// they keep.
type market struct {
	sim    *simulator.Simulator
	client *scenario.Client
	quotes *plan.QuoteFile
}

func newMarket(t *testing.T) *market {
	t.Helper()
	sim, err := simulator.New(simulator.Options{
		Models: os.DirFS("testdata/models"), Keys: []simulator.Key{{Key: "planner", Secret: "s"}}, Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := scenario.New(scenario.Options{
		BaseURL: "http://sim/v1", Key: "planner", Secret: "s", Transport: simulator.Transport(sim),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &market{sim: sim, client: client, quotes: &plan.QuoteFile{}}
}

// plan makes a plan and returns it with the number of dry runs that it took.
func (m *market) plan(t *testing.T, account, text string) (*plan.Plan, int64) {
	t.Helper()
	before := m.dryRuns()
	p := mustMake(t, plan.Options{Manifest: open(t, "m.jsonl", text), Catalog: m.client, Quotes: m.quotes, Account: account})
	return p, m.dryRuns() - before
}

func (m *market) dryRuns() int64 {
	var n int64
	for route, count := range m.sim.Totals().Requests {
		if strings.HasPrefix(route, "POST /v1/generate/") {
			n += count
		}
	}
	return n
}

func priceRow(steps, width int, prompt string) string {
	return row(fmt.Sprintf(`"parameters": {"steps": %d, "width": %d}, "x": %q`, steps, width, prompt))
}

func TestPricesAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t)
		start := time.Now()
		first, asked := m.plan(t, "live", priceRow(30, 512, "a"))
		if asked != 1 || !first.Shapes[0].Asked.Equal(start) {
			t.Fatalf("%d dry runs, asked at %s; want one, at %s", asked, first.Shapes[0].Asked, start)
		}
		steps := []struct {
			name    string
			after   time.Duration // since the first plan
			account string
			text    string
			asked   int64
			at      time.Duration // when its price was asked for
		}{
			{"the same", 42 * time.Minute, "live", priceRow(30, 512, "a"), 0, 0},
			{"inputs that do not move the price", 43 * time.Minute, "live", priceRow(30, 1024, "b"), 0, 0},
			{"an input that does", 44 * time.Minute, "live", priceRow(40, 512, "a"), 1, 44 * time.Minute},
			{"another account", 45 * time.Minute, "team b", priceRow(30, 512, "a"), 1, 45 * time.Minute},
			{"nearly an hour later", time.Hour - time.Second, "live", priceRow(30, 512, "a"), 0, 0},
			{"more than an hour later", 61 * time.Minute, "live", priceRow(30, 512, "a"), 1, 61 * time.Minute},
			{"after that", 62 * time.Minute, "live", priceRow(30, 512, "a"), 0, 61 * time.Minute},
		}
		for _, step := range steps {
			time.Sleep(step.after - time.Since(start))
			p, asked := m.plan(t, step.account, step.text)
			if at := p.Shapes[0].Asked.Sub(start); asked != step.asked || at != step.at {
				t.Errorf("%s: %d dry runs, a price asked for at %s; want %d and %s", step.name, asked, at, step.asked, step.at)
			}
			if p.Cost == 0 || all(t, p)[0].Quote != p.Cost || p.Shapes[0].Parts["custom-generation"] == 0 {
				t.Errorf("%s: the price is %+v and the job's quote %s", step.name, p.Shapes[0], all(t, p)[0].Quote)
			}
		}
	})
}

// redefined is a provider that changed the default of steps.
type redefined struct {
	plan.Catalog
	steps string
}

func (r redefined) Model(ctx context.Context, id string) (*job.Model, error) {
	model, err := r.Catalog.Model(ctx, id)
	if err != nil {
		return nil, err
	}
	changed := *model
	changed.Inputs = slices.Clone(model.Inputs)
	for i := range changed.Inputs {
		if changed.Inputs[i].Name == "steps" {
			changed.Inputs[i].Default = json.RawMessage(r.steps)
		}
	}
	return &changed, nil
}

func TestAnotherDefaultAsksAgain(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	o := plan.Options{Manifest: open(t, "m.jsonl", row("")), Quotes: &plan.QuoteFile{}}
	for i, steps := range []string{"28", "28", "40"} {
		o.Catalog = redefined{Catalog: c, steps: steps}
		mustMake(t, o)
		if want := 1 + i/2; len(c.dryRuns) != want {
			t.Errorf("%d dry runs after the default %s, want %d", len(c.dryRuns), steps, want)
		}
	}
}

// TestClockWasSet keeps a price that seems to be from the future.
func TestClockWasSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t)
		_, _ = m.plan(t, "", row(""))
		m.quotes = shifted(t, m.quotes, time.Minute)
		if _, asked := m.plan(t, "", row("")); asked != 1 {
			t.Errorf("%d dry runs, want one: the age of the kept price is not known", asked)
		}
	})
}

// shifted returns the quotes as if they had been asked for later.
func shifted(t *testing.T, quotes *plan.QuoteFile, by time.Duration) *plan.QuoteFile {
	t.Helper()
	now := time.Now().UTC()
	later := strings.ReplaceAll(written(t, quotes), now.Format(time.RFC3339Nano), now.Add(by).Format(time.RFC3339Nano))
	return read(t, later)
}

func TestRefusalsAreNotKept(t *testing.T) {
	t.Parallel()
	refuse := true
	c := newCatalog(t)
	c.fail = func(call, _ string) error {
		if refuse && call == "dry run" {
			return &job.ProviderError{Kind: job.ErrInvalid, Words: "Input mask is too dark"}
		}
		return nil
	}
	o := plan.Options{Manifest: open(t, "m.jsonl", row("")), Catalog: c, Quotes: &plan.QuoteFile{}}
	if _, err := plan.Make(t.Context(), o); err == nil {
		t.Fatal("the refused job is planned")
	}
	if _, err := plan.Make(t.Context(), o); !isProblems(err) || len(c.dryRuns) != 2 {
		t.Errorf("the second plan ends with %v after %d dry runs in all, want the refusal again after 2", err, len(c.dryRuns))
	}
	refuse = false
	if p := mustMake(t, o); p.Cost == 0 || len(c.dryRuns) != 3 {
		t.Errorf("%s CU after %d dry runs, want a price after 3", p.Cost, len(c.dryRuns))
	}
}

func isProblems(err error) bool {
	_, ok := errors.AsType[*document.Problems](err)
	return ok
}

// TestAgeIsShown plans two price shapes, the second of them later.
func TestAgeIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t)
		one, two := priceRow(30, 512, "a"), priceRow(40, 512, "b")
		shows := func(text, want string) {
			t.Helper()
			p, _ := m.plan(t, "", text)
			var table strings.Builder
			if err := p.WriteTable(&table, 80); err != nil {
				t.Fatal(err)
			}
			_, shown, _ := strings.Cut(table.String(), "from cache")
			if line, _, _ := strings.Cut(shown, "\n"); line != want {
				t.Errorf("the table says %q of the cache, want %q:\n%s", line, want, table.String())
			}
		}
		shows(one, "")
		time.Sleep(4 * time.Minute)
		shows(one, "")
		time.Sleep(38 * time.Minute)
		shows(one, ", the oldest is 42 min old.")
		shows(one+strings.Replace(two, `"a"`, `"b"`, 1), ", the oldest is 42 min old.")
	})
}
