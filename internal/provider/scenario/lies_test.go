package scenario

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// An entry of a list that says less than the run itself is not its end.
func TestListsThatSayLessThanTheRun(t *testing.T) {
	t.Parallel()
	inputs := job.Inputs{"prompt": "a"}
	cases := map[string]func(entry map[string]any){
		"no metadata":   func(e map[string]any) { delete(e, "metadata") },
		"no assets":     func(e map[string]any) { e["metadata"] = map[string]any{"input": inputs} },
		"an asset less": func(e map[string]any) { e["metadata"] = map[string]any{"input": inputs, "assetIds": []string{"a1"}} },
		"an asset twice": func(e map[string]any) {
			e["metadata"] = map[string]any{"input": inputs, "assetIds": []string{"a1", "a1"}}
		},
		"failed":          func(e map[string]any) { e["status"] = "failure" },
		"canceled":        func(e map[string]any) { e["status"] = "canceled" },
		"under two names": func(map[string]any) {},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := &listedAPI{began: time.Now(), page: 10, whole: map[string]map[string]any{}}
				runs := []provider.Run{}
				for _, id := range []string{"r1", "r2"} {
					whole := (&listedAPI{began: api.began}).add(id, 1, inputs, "")
					whole["status"], whole["metadata"] = "success", map[string]any{"input": inputs, "assetIds": []string{"a1", "a2"}}
					api.whole[id] = whole
					listed := api.add(id, 1, inputs, "")
					listed["status"], listed["metadata"] = "success", whole["metadata"]
					change(listed)
					runs = append(runs, provider.Run{ID: id, Made: api.began, Images: 2})
				}
				told, err := api.client(t).Poll(t.Context(), runs)
				if err != nil || len(told) != 2 {
					t.Fatalf("%+v, %v", told, err)
				}
				for _, run := range told {
					if run.Status != job.RunSucceeded || !slices.Equal(run.AssetIDs, []string{"a1", "a2"}) {
						t.Errorf("%s is %s with %v", run.ID, run.Status, run.AssetIDs)
					}
				}
			})
		})
	}
}

// Receipts that name each other's run are seen by the inputs that the runs show.
func TestReceiptsOfOtherRequests(t *testing.T) {
	t.Parallel()
	model := testModel
	seeded := func(prompt string, seed int64) job.Inputs {
		return job.Inputs{"prompt": prompt, "seed": job.NormalValue(seed)}
	}
	cases := map[string]struct {
		a, b    job.Inputs // what the requests asked for
		showA   job.Inputs // what the run shows that a's receipt named
		showB   job.Inputs
		foreign bool
		askedBy string // of the run that a's receipt named
	}{
		"their own":                {a: seeded("x", 1), b: seeded("x", 2), showA: seeded("x", 1), showB: seeded("x", 2)},
		"swapped":                  {a: seeded("x", 1), b: seeded("x", 2), showA: seeded("x", 2), showB: seeded("x", 1), foreign: true, askedBy: "rb"},
		"swapped, without seeds":   {a: job.Inputs{"prompt": "x"}, b: job.Inputs{"prompt": "y"}, showA: job.Inputs{"prompt": "y"}, showB: job.Inputs{"prompt": "x"}, foreign: true, askedBy: "rb"},
		"swapped, of one seed":     {a: seeded("x", 1), b: seeded("y", 1), showA: seeded("y", 1), showB: seeded("x", 1), foreign: true, askedBy: "rb"},
		"spaces folded":            {a: seeded("x  y", 1), b: seeded("z", 1), showA: seeded("x y", 1), showB: seeded("z", 1)},
		"nobody's":                 {a: seeded("x", 1), b: seeded("x", 2), showA: seeded("x", 3), showB: seeded("x", 2), foreign: true},
		"defaults filled in":       {a: seeded("x", 1), b: seeded("x", 2), showA: job.Inputs{"prompt": "x", "seed": job.NormalValue(1), "steps": job.NormalValue(20)}, showB: seeded("x", 2)},
		"a hidden prompt":          {a: job.Inputs{"prompt": "x"}, b: job.Inputs{"prompt": "y"}, showA: job.Inputs{"prompt": "asset_1"}, showB: job.Inputs{"prompt": "y"}},
		"a prompt that is trimmed": {a: job.Inputs{"prompt": "x "}, b: job.Inputs{"prompt": "y"}, showA: job.Inputs{"prompt": "x"}, showB: job.Inputs{"prompt": "y"}},
		"nothing shown":            {a: seeded("x", 1), b: seeded("x", 2), showB: seeded("x", 2)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := &listedAPI{began: time.Now(), page: 10}
				if c.showA != nil {
					api.add("ra", 1, c.showA, "")
				} else {
					delete(api.add("ra", 1, nil, ""), "metadata")
				}
				api.add("rb", 1, c.showB, "")
				request := func(inputs job.Inputs) job.Request {
					return job.Request{Model: model, Inputs: inputs, PromptInput: "prompt"}
				}
				told, err := api.client(t).Poll(t.Context(), []provider.Run{
					{ID: "ra", Made: api.began, Request: request(c.a)}, {ID: "rb", Made: api.began, Request: request(c.b)},
				})
				if err != nil || len(told) != 2 {
					t.Fatalf("%+v, %v", told, err)
				}
				for _, run := range told {
					if run.ID == "ra" && (run.Foreign != c.foreign || run.AskedBy != c.askedBy) {
						t.Errorf("foreign %t, asked for by %q, want %t and %q", run.Foreign, run.AskedBy, c.foreign, c.askedBy)
					}
				}
			})
		})
	}
}

// A list whose pages lead round in a circle is seen to do so at the first page that comes
// again.
func TestListsThatGoRound(t *testing.T) {
	t.Parallel()
	asked := 0
	client := clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		asked++
		next := map[string]string{"": "a", "a": "b", "b": "c", "c": "a"}[r.URL.Query().Get("paginationToken")]
		return response(http.StatusOK, `{"jobs": [{"jobId": "job_`+next+`", "status": "pending", "createdAt": "`+time.Now().UTC().Format(time.RFC3339)+
			`", "metadata": {"input": {"modelId": "m"}}}], "nextPaginationToken": "`+next+`"}`), nil
	}))
	_, err := client.Find(t.Context(), []provider.Attempt{{Request: job.Request{Model: "m", PromptInput: "prompt"}, Sent: time.Now()}}, nil, nobodys)
	if err == nil || !strings.Contains(err.Error(), "circle") || asked != 4 {
		t.Errorf("after %d pages: %v", asked, err)
	}
}

// A list that names one asset for two runs is not believed: each run is read by itself.
func TestListsThatNameOneAssetForTwo(t *testing.T) {
	t.Parallel()
	inputs := job.Inputs{"prompt": "a"}
	api := &listedAPI{began: time.Now(), page: 10, whole: map[string]map[string]any{}}
	var runs []provider.Run
	for _, id := range []string{"r1", "r2", "r3"} {
		whole := (&listedAPI{began: api.began}).add(id, 1, inputs, "")
		whole["status"], whole["metadata"] = "success", map[string]any{"input": inputs, "assetIds": []string{"of " + id}}
		api.whole[id] = whole
		listed := api.add(id, 1, inputs, "")
		listed["status"], listed["metadata"] = "success", map[string]any{"input": inputs, "assetIds": []string{"of r1"}}
		runs = append(runs, provider.Run{ID: id, Made: api.began, Images: 1})
	}
	told, err := api.client(t).Poll(t.Context(), runs[:2]) // the third is nobody's
	if err != nil || len(told) != 2 {
		t.Fatalf("%+v, %v", told, err)
	}
	for _, run := range told {
		if !slices.Equal(run.AssetIDs, []string{"of " + run.ID}) {
			t.Errorf("%s has %v", run.ID, run.AssetIDs)
		}
	}
}

// A receipt may write an id in another letter case: what the list shows under it is found, if
// it is what was asked for.
func TestReceiptsInAnotherLetterCase(t *testing.T) {
	t.Parallel()
	inputs := job.Inputs{"prompt": "a", "seed": job.NormalValue(1)}
	cases := map[string]struct {
		listed job.Inputs
		ended  bool
		status job.RunStatus
		exact  string
	}{
		"its own":            {listed: inputs, status: job.RunActive, exact: "Job_a"},
		"one that has ended": {listed: inputs, ended: true, status: job.RunSucceeded, exact: "Job_a"},
		"another request":    {listed: job.Inputs{"prompt": "b", "seed": job.NormalValue(2)}, status: job.RunNotFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := &listedAPI{began: time.Now(), page: 10}
			entry := api.add("Job_a", 1, c.listed, "")
			if c.ended {
				entry["status"], entry["metadata"] = "success", map[string]any{"input": c.listed, "assetIds": []string{"a1"}}
			}
			told, err := api.client(t).Poll(t.Context(), []provider.Run{
				{ID: "JOB_A", Made: api.began, Request: job.Request{Model: testModel, Inputs: inputs, PromptInput: "prompt"}},
			})
			if err != nil || len(told) != 1 || told[0].ID != "JOB_A" || told[0].Status != c.status || told[0].Exact != c.exact {
				t.Errorf("told %+v, %v, want %s under %q", told, err, c.status, c.exact)
			}
		})
	}
}

// What comes out of a cache says nothing of now.
func TestCachedRepliesAreNone(t *testing.T) {
	t.Parallel()
	var asked http.Header
	client := clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		asked = r.Header
		reply := response(http.StatusOK, `{"jobs": [], "job": {"jobId": "job_1"}}`)
		reply.Header.Set("Age", "12")
		return reply, nil
	}))
	if _, _, err := client.Inferences(t.Context(), "", 10); err == nil {
		t.Error("a list out of a cache is taken for one")
	}
	if _, err := client.Inference(t.Context(), "job_1"); err == nil {
		t.Error("a job out of a cache is taken for one")
	}
	if asked.Get("Cache-Control") != "no-cache" {
		t.Errorf("it was asked with Cache-Control %q", asked.Get("Cache-Control"))
	}
}
