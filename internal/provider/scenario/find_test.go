package scenario

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// What a list says of attempts whose answer was lost, sent at the beginning of the list.
func TestFind(t *testing.T) {
	t.Parallel()
	seeded := job.Inputs{"prompt": "a potion", "seed": job.NormalValue(7)}
	plain := job.Inputs{"prompt": "a potion"}
	with := func(in job.Inputs, name string, value any) job.Inputs {
		changed := maps.Clone(in)
		changed[name] = value
		return changed
	}
	since := time.Hour // the key has its credential since so long before it sent
	cases := map[string]struct {
		inputs  job.Inputs // of the attempt
		authors []string
		since   time.Duration
		list    func(*listedAPI)
		want    string
		unclear bool
		// receipts say how far ahead the clock of earlier ones was, in seconds.
		receipts []int
		drawn    bool // the seed is ours
		known    []string
		lacks    string // and so the list is not complete
		early    string
		before   string
	}{
		"nothing":                                {inputs: seeded, list: func(*listedAPI) {}},
		"its own":                                {inputs: seeded, list: func(a *listedAPI) { a.add("r", 1, seeded, "") }, want: "r"},
		"several":                                {inputs: plain, list: func(a *listedAPI) { a.add("r", 1, plain, ""); a.add("q", 2, plain, "") }, want: "r q"},
		"another seed":                           {inputs: seeded, list: func(a *listedAPI) { a.add("r", 1, with(seeded, "seed", 8), "") }},
		"another prompt":                         {inputs: seeded, list: func(a *listedAPI) { a.add("r", 1, with(seeded, "prompt", "b"), "") }},
		"one input more":                         {inputs: seeded, list: func(a *listedAPI) { a.add("r", 1, with(seeded, "width", 512), "") }},
		"an empty one":                           {inputs: seeded, list: func(a *listedAPI) { a.add("r", 1, with(seeded, "loras", []any{}), "") }, want: "r"},
		"one of ours":                            {inputs: seeded, list: func(a *listedAPI) { a.add("ours", 1, seeded, "") }},
		"before it":                              {inputs: seeded, before: "r", receipts: []int{0}, list: func(a *listedAPI) { a.add("r", -3600, seeded, "") }},
		"before it by a clock that nobody knows": {inputs: seeded, want: "r", unclear: true, list: func(a *listedAPI) { a.add("r", -3600, seeded, "") }},
		"before it by clocks that disagree": {inputs: seeded, receipts: []int{0, 600}, want: "r", unclear: true, list: func(a *listedAPI) {
			a.add("r", -3600, seeded, "")
		}},
		"before it by a clock that is known to be slow": {inputs: plain, receipts: []int{-3600}, want: "r", list: func(a *listedAPI) {
			a.add("r", -3601, plain, "")
		}},
		"days before it":                {inputs: plain, list: func(a *listedAPI) { a.add("r", -3*24*3600, plain, "") }},
		"before it with a seed of ours": {inputs: seeded, drawn: true, receipts: []int{0}, early: "r", list: func(a *listedAPI) { a.add("r", -3*24*3600, seeded, "") }},
		"after it by hours":             {inputs: plain, receipts: []int{0}, want: "r", list: func(a *listedAPI) { a.add("r", 5*3600, plain, "") }},
		"its own twice":                 {inputs: plain, want: "r", list: func(a *listedAPI) { a.add("r", 1, plain, ""); a.add("r", 1, plain, "") }},
		"listed under no id": {inputs: seeded, lacks: "R", list: func(a *listedAPI) {
			a.add("R", 1, seeded, "")
			a.unread = "R"
		}},
		"a known run is listed": {inputs: seeded, known: []string{"q"}, want: "r", list: func(a *listedAPI) {
			a.add("q", 2, plain, "")
			a.add("r", 1, seeded, "")
		}},
		"a known run is not listed": {inputs: seeded, known: []string{"q"}, lacks: "q", list: func(a *listedAPI) {
			a.whole = map[string]map[string]any{"q": a.add("q", 2, plain, "")}
			a.hidden = map[string]bool{"q": true}
		}},
		"an old time at the end of a page": {inputs: seeded, receipts: []int{0}, want: "r", list: func(a *listedAPI) {
			a.add("r", 1, seeded, "")
			a.add("odd", -24*3600, plain, "")
			a.add("p", 3, plain, "")
		}},
		"a known run was deleted": {inputs: seeded, known: []string{"q"}, list: func(*listedAPI) {}},
		"by a slow clock":         {inputs: seeded, list: func(a *listedAPI) { a.add("r", -100, seeded, "") }, want: "r"},
		"without a time": {inputs: seeded, want: "r", list: func(a *listedAPI) {
			a.add("r", 1, seeded, "")["createdAt"] = "soon"
		}},
		"another model": {inputs: seeded, list: func(a *listedAPI) {
			a.add("r", 1, with(seeded, "modelId", "model_other"), "")
		}},
		"stored prompt, the single run shows it": {inputs: plain, want: "r", list: func(a *listedAPI) {
			whole := a.add("r", 1, plain, "")
			a.whole = map[string]map[string]any{"r": whole}
			a.jobs[0] = (&listedAPI{began: a.began}).add("r", 1, with(plain, "prompt", "asset_1"), "")
		}},
		"stored prompt, it is another": {inputs: plain, list: func(a *listedAPI) {
			other := (&listedAPI{began: a.began}).add("r", 1, with(plain, "prompt", "b"), "")
			a.whole = map[string]map[string]any{"r": other}
			a.add("r", 1, with(plain, "prompt", "asset_1"), "")
		}},
		"hidden prompt, stated seed": {inputs: seeded, want: "r", list: func(a *listedAPI) { a.add("r", 1, with(seeded, "prompt", "asset_1"), "") }},
		"hidden prompt, our seed":    {inputs: seeded, drawn: true, want: "r", list: func(a *listedAPI) { a.add("r", 1, with(seeded, "prompt", "asset_1"), "") }},
		"hidden prompt, no seed":     {inputs: plain, want: "r", unclear: true, list: func(a *listedAPI) { a.add("r", 1, with(plain, "prompt", "asset_1"), "") }},
		"nothing of it is shown":     {inputs: seeded, want: "r", unclear: true, list: func(a *listedAPI) { delete(a.add("r", 1, seeded, ""), "metadata") }},
		"of our key":                 {inputs: plain, authors: []string{"me"}, want: "r", list: func(a *listedAPI) { a.add("r", 1, plain, "me") }},
		"of another key":             {inputs: plain, authors: []string{"me"}, list: func(a *listedAPI) { a.add("r", 1, plain, "you") }},
		"of a key before":            {inputs: plain, authors: []string{"me"}, since: -since, want: "r", unclear: true, list: func(a *listedAPI) { a.add("r", 1, plain, "you") }},
		"long before, of our key and seed": {inputs: seeded, authors: []string{"me"}, early: "r", list: func(a *listedAPI) {
			a.add("r", -3000, seeded, "me")
		}},
		"long before, of another key":           {inputs: seeded, authors: []string{"me"}, receipts: []int{0}, list: func(a *listedAPI) { a.add("r", -3000, seeded, "you") }},
		"long before, of no known key":          {receipts: []int{0}, inputs: seeded, before: "r", list: func(a *listedAPI) { a.add("r", -3000, seeded, "me") }},
		"long before, of no known key, no seed": {receipts: []int{0}, inputs: plain, before: "r", list: func(a *listedAPI) { a.add("r", -3000, plain, "me") }},
		"long before, no seed, another key":     {receipts: []int{0}, inputs: plain, authors: []string{"me"}, list: func(a *listedAPI) { a.add("r", -3000, plain, "you") }},
		"long before, hidden, stated seed":      {receipts: []int{0}, inputs: seeded, authors: []string{"me"}, list: func(a *listedAPI) { a.add("r", -3000, with(seeded, "prompt", "asset_1"), "me") }},
		"long before, hidden, our seed":         {receipts: []int{0}, inputs: seeded, drawn: true, early: "r", list: func(a *listedAPI) { a.add("r", -3000, with(seeded, "prompt", "asset_1"), "me") }},
		"long before, no seed":                  {receipts: []int{0}, inputs: plain, authors: []string{"me"}, before: "r", list: func(a *listedAPI) { a.add("r", -3000, plain, "me") }},
		"of another key, our seed":              {inputs: seeded, authors: []string{"me"}, want: "r", list: func(a *listedAPI) { a.add("r", 1, seeded, "you") }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := &listedAPI{began: time.Now()}
				c.list(api)
				client := api.client(t)
				client.clock.learn(client.clock.read(), dateHeader(time.Now())) // or it is off by a day
				attempt := provider.Attempt{
					Request: job.Request{Model: testModel, Inputs: c.inputs, PromptInput: "prompt"},
					Sent:    api.began, Author: c.authors, Since: api.began.Add(-c.since),
				}
				ours := func(_ context.Context, ids []string) (map[string]bool, error) {
					owned := make(map[string]bool)
					for _, id := range ids {
						owned[id] = id == "ours"
					}
					return owned, nil
				}
				attempt.Request.SeedDrawn = c.drawn
				for _, ahead := range c.receipts {
					client.receipts.learn(api.began.Add(time.Duration(ahead)*time.Second), api.began.Add(-time.Second), api.began)
				}
				var known []provider.Run
				for _, id := range c.known {
					known = append(known, provider.Run{ID: id, Made: api.began.Add(2 * time.Second)})
				}
				matches, err := client.Find(t.Context(), []provider.Attempt{attempt}, known, ours)
				if err != nil {
					t.Fatal(err)
				}
				var got strings.Builder
				for i, run := range matches[0].Runs {
					if got.WriteString(run.ID); i < len(matches[0].Runs)-1 {
						got.WriteString(" ")
					}
				}
				if early := matches[0].Early; len(early) > 1 || len(early) == 1 != (c.early != "") || len(early) == 1 && early[0].ID != c.early {
					t.Errorf("early are %+v, want %q", early, c.early)
				}
				if shown(matches[0].Before) != c.before {
					t.Errorf("before are %+v, want %q", matches[0].Before, c.before)
				}
				if m := matches[0]; got.String() != c.want || m.Unclear != c.unclear || m.Complete != (c.lacks == "") || m.Lacks != c.lacks || !m.Asked.Equal(api.began) {
					t.Errorf("found %q, %+v, want %q, unclear %t", got.String(), m, c.want, c.unclear)
				}
			})
		})
	}
}

// A search right after a poll goes on with the pages that were read; later it does not.
func TestPollAndFindShareAList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fiveRuns(time.Now())
		client := api.client(t)
		attempts := []provider.Attempt{{
			Request: job.Request{Model: testModel, Inputs: job.Inputs{"prompt": "a", "seed": job.NormalValue(1)}, PromptInput: "prompt"},
			Sent:    api.began,
		}}
		polls, find := runsOf(api, []string{"r5", "r4"}), func(want string) {
			t.Helper()
			asked := time.Now()
			time.Sleep(time.Second)
			matches, err := client.Find(t.Context(), attempts, nil, nobodys)
			if err != nil || shown(matches[0].Runs) != "r1" {
				t.Errorf("found %+v and %v, want r1", matches, err)
			}
			if got := api.asked(); got != want {
				t.Errorf("asked %q, want %q", got, want)
			}
			if shared := !strings.HasPrefix(want, "list "); shared != matches[0].Asked.Equal(asked) {
				t.Errorf("asked at %s, the poll was at %s", matches[0].Asked, asked)
			}
		}
		poll := func() {
			t.Helper()
			if _, err := client.Poll(t.Context(), polls); err != nil || api.asked() != "list" {
				t.Errorf("poll: %v", err)
			}
		}
		poll()
		find("list list1 list2 r1") // no search was expected, so that no page was kept; what is found is read once
		poll()
		find("list1 list2")
		find("list list1 list2") // each list serves one search
		poll()
		time.Sleep(listingAge)
		find("list list1 list2")
	})
}
