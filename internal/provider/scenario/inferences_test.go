package scenario

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

// finishedJob is a finished job as the API shows one.
const finishedJob = `{
	"jobId": "job_KWxxsnSdVXDFZRMsoCvLTmKY", "jobType": "custom",
	"billing": {"cuCost": 6, "cuDiscount": 0, "cuCostDetails": {"quality-gate": 1.25}},
	"metadata": {
		"input": {"modelId": "model_patina-material", "maps": ["basecolor", "normal"], "width": 512.0,
			"seed": 54341791, "prompt": "weathered copper", "numOutputs": 1},
		"assetIds": ["asset_4A", "asset_KM", "asset_mT"]
	},
	"ownerId": "proj_1", "authorId": "apiu_1",
	"createdAt": "2026-08-28T07:37:09.434Z", "updatedAt": "2026-08-28T07:38:37.989Z",
	"status": "success", "statusHistory": [{"status": "pending", "date": "2026-08-28T07:37:09.434Z"}], "progress": 1
}`

func TestInference(t *testing.T) {
	t.Parallel()
	var uri string
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		uri = r.Method + " " + r.RequestURI
		answer(200, `{"job": `+finishedJob+`}`)(w, r)
	}).URL)
	got, err := client.Inference(t.Context(), "job_KWxxsnSdVXDFZRMsoCvLTmKY")
	if err != nil {
		t.Fatal(err)
	}
	want := &job.Inference{
		ID: "job_KWxxsnSdVXDFZRMsoCvLTmKY", Model: "model_patina-material", ProviderKeyID: "apiu_1",
		Inputs: job.Inputs{
			"maps": []any{"basecolor", "normal"}, "width": json.Number("512"),
			"seed": json.Number("54341791"), "prompt": "weathered copper", "numOutputs": json.Number("1"),
		},
		Status:    job.RunSucceeded,
		CreatedAt: time.Date(2026, 8, 28, 7, 37, 9, 434e6, time.UTC),
		UpdatedAt: time.Date(2026, 8, 28, 7, 38, 37, 989e6, time.UTC),
		AssetIDs:  []string{"asset_4A", "asset_KM", "asset_mT"},
		Billed:    7250, BilledKnown: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "GET /v1/jobs/job_KWxxsnSdVXDFZRMsoCvLTmKY"; uri != want {
		t.Errorf("asked %s, want %s", uri, want)
	}
}

func TestInferenceStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]job.RunStatus{
		"pending": job.RunActive, "queued": job.RunActive, "warming-up": job.RunActive,
		"in-progress": job.RunActive, "finalizing": job.RunActive, "processing": job.RunActive,
		"something-new": job.RunActive, "": job.RunActive,
		"success": job.RunSucceeded, "succeeded": job.RunSucceeded,
		"failure": job.RunFailed, "failed": job.RunFailed,
		"canceled": job.RunCanceled,
	} {
		var record jobRecord
		if err := json.Unmarshal([]byte(`{"jobId": "j", "status": "`+status+`"}`), &record); err != nil {
			t.Fatal(err)
		}
		if got := (&Client{clean: cleaner("", "")}).inference(record).Status; got != want {
			t.Errorf("%q is %s, want %s", status, got, want)
		}
	}
}

func TestInferenceBilling(t *testing.T) {
	t.Parallel()
	type bill struct {
		Billed                      job.CU
		BilledKnown, RefundDisabled bool
	}
	for body, want := range map[string]bill{
		`{}`:                               {},
		`{"billing": null}`:                {},
		`{"billing": {}}`:                  {},
		`{"billing": {"cuCost": null}}`:    {},
		`{"billing": {"cuCost": 0}}`:       {0, true, false},
		`{"billing": {"cuCost": 10.75}}`:   {10750, true, false},
		`{"billing": {"cuCost": 1e1}}`:     {10000, true, false},
		`{"billing": {"cuCost": 0.0001}}`:  {1, true, false},
		`{"billing": {"cuCost": "11.5"}}`:  {11500, true, false},
		`{"billing": {"cuCost": -3}}`:      {},
		`{"billing": {"cuCost": "a few"}}`: {},
		`{"billing": {"cuCost": 6, "cuCostDetails": {"quality-gate": 1.25, "ip": 0.1}}}`:     {7350, true, false},
		`{"billing": {"cuCost": 6, "cuCostDetails": {"quality-gate": {}}}}`:                  {},
		`{"billing": {"cuCost": 6, "cuCostDetails": {"quality-gate": null}}}`:                {},
		`{"billing": {"cuCost": 6, "cuCostDetails": [{"quality-gate": 1.25}]}}`:              {},
		`{"billing": {"cuCost": 6, "cuCostDetails": "quality-gate: 1.25"}}`:                  {},
		`{"billing": {"cuCost": 6, "cuCostDetails": 1.25}}`:                                  {},
		`{"billing": {"cuCost": 6, "cuCostDetails": null}}`:                                  {6000, true, false},
		`{"billing": {"cuCost": 4, "cuCostDetails": {}, "disableRefund": true}}`:             {4000, true, true},
		`{"billing": {"cuCost": 123456789.123}, "status": "failure", "metadata": {"x": ""}}`: {123456789123, true, false},
	} {
		var record jobRecord
		if err := json.Unmarshal([]byte(body), &record); err != nil {
			t.Fatal(err)
		}
		run := (&Client{clean: cleaner("", "")}).inference(record)
		if got := (bill{run.Billed, run.BilledKnown, run.RefundDisabled}); got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
	}
}

func TestInferenceFailure(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(200, `{"job": {"jobId": "job_1", "status": "failure", "metadata": {
		"error": "Blocked\nby moderation, see https://cdn.test/a.png?Policy=p&Signature=s",
		"hint": {"try": "another prompt"}}}}`)).URL)
	run, err := client.Inference(t.Context(), "job_1")
	if err != nil {
		t.Fatal(err)
	}
	want := &job.Inference{
		ID: "job_1", Status: job.RunFailed, Opaque: true,
		Failure: "Blocked by moderation, see https://cdn.test/a.png?[hidden]",
		Hint:    `{"try": "another prompt"}`,
	}
	if diff := cmp.Diff(want, run); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInferencesPages(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"":          `{"jobs": [` + finishedJob + `, {"jobId": "job_2", "status": "queued"}], "nextPaginationToken": "place 2+="}`,
		"place 2+=": `{"jobs": [], "nextPaginationToken": "place 3"}`,
		"place 3":   `{"jobs": [{"jobId": "job_3"}], "nextPaginationToken": null}`,
	}
	var queries []string
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		answer(200, pages[r.URL.Query().Get("paginationToken")])(w, r)
	}).URL)
	var ids []string
	for token, more := "", true; more; more = token != "" {
		runs, next, err := client.Inferences(t.Context(), token, 200)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			ids = append(ids, run.ID)
		}
		token = next
	}
	if diff := cmp.Diff([]string{"job_KWxxsnSdVXDFZRMsoCvLTmKY", "job_2", "job_3"}, ids); diff != "" {
		t.Errorf("inferences (-want +got):\n%s", diff)
	}
	want := []string{
		"pageSize=200&types=custom",
		"pageSize=200&paginationToken=place+2%2B%3D&types=custom",
		"pageSize=200&paginationToken=place+3&types=custom",
	}
	if diff := cmp.Diff(want, queries); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

// A list that is read in part would make inferences look as if they had never
// been accepted.
func TestInferencesWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"entry without id":      `{"jobs": [{"jobId": "job_1"}, {"status": "queued"}]}`,
		"empty entry":           `{"jobs": [null]}`,
		"entry of another kind": `{"jobs": [["job_1"]]}`,
		"no list":               `{"items": []}`,
		"list is null":          `{"jobs": null}`,
		"token of another kind": `{"jobs": [], "nextPaginationToken": {"offset": 5}}`,
		"token that stays":      `{"jobs": [], "nextPaginationToken": "here"}`,
		"cut short":             `{"jobs": [{"jobId": "job_1"}`,
		"not JSON":              `<html>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, answer(200, body)).URL)
			runs, next, err := client.Inferences(t.Context(), "here", 100)
			if err == nil || runs != nil || next != "" {
				t.Errorf("got %v, %q, %v; want only an error", runs, next, err)
			}
		})
	}
}

// TestRowsOfOddShape: what cannot be read of a row is said, so that it is not taken
// for a run that asked for something else, or at another time; the rows beside it
// are read as ever.
func TestRowsOfOddShape(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 8, 28, 7, 37, 9, 434e6, time.UTC)
	type row struct {
		ID      string
		Opaque  bool
		Created time.Time
	}
	const asked = `"metadata": {"input": {"modelId": "m", "prompt": "a"}}`
	const at = `"createdAt": "2026-08-28T07:37:09.434Z"`
	for body, want := range map[string]row{
		`{"jobId": "j", ` + asked + `, ` + at + `}`:                                     {"j", false, made},
		`{"jobId": "j", ` + asked + `, "createdAt": "2026-08-28T07:37:09.434+0000"}`:    {"j", false, made},
		`{"jobId": "j", ` + asked + `, "createdAt": "2026-08-28T09:37:09.434+02:00"}`:   {"j", false, made},
		`{"jobId": "j", ` + asked + `, "createdAt": "2026-08-28T03:07:09.434-0430"}`:    {"j", false, made},
		`{"jobId": "j", ` + asked + `, "createdAt": "2026-08-28T09:37:09.434+02"}`:      {"j", false, made},
		`{"jobId": "j", ` + asked + `, "createdAt": 1787902629434}`:                     {"j", false, made},
		`{"jobId": "j", ` + asked + `, "createdAt": "1787902629434"}`:                   {"j", false, made},
		`{"jobId": "j", ` + asked + `, "createdAt": 1787902629.434}`:                    {"j", false, made},
		`{"jobId": "j", ` + asked + `, "createdAt": "1787902629"}`:                      {"j", false, made.Truncate(time.Second)},
		`{"jobId": "j", ` + asked + `, "createdAt": 7}`:                                 {"j", false, time.Time{}},
		`{"jobId": "j", ` + asked + `, "createdAt": 1787902629434000}`:                  {"j", false, time.Time{}},
		`{"jobId": "j", ` + asked + `, "createdAt": -1787902629}`:                       {"j", false, time.Time{}},
		`{"jobId": "j", ` + asked + `, "createdAt": "NaN"}`:                             {"j", false, time.Time{}},
		`{"jobId": "j", ` + asked + `, "createdAt": "28 Aug 2026"}`:                     {"j", false, time.Time{}},
		`{"jobId": "j", ` + asked + `, "createdAt": {"$date": "2026-08-28T07:37:09Z"}}`: {"j", false, time.Time{}},
		`{"jobId": "j", ` + asked + `, "createdAt": null}`:                              {"j", false, time.Time{}},
		`{"jobId": "j", ` + asked + `}`:                                                 {"j", false, time.Time{}},
		`{"jobId": "j", ` + at + `}`:                                                    {"j", true, made},
		`{"jobId": "j", ` + at + `, "metadata": null}`:                                  {"j", true, made},
		`{"jobId": "j", ` + at + `, "metadata": "none"}`:                                {"j", true, made},
		`{"jobId": "j", ` + at + `, "metadata": {"input": null}}`:                       {"j", true, made},
		`{"jobId": "j", ` + at + `, "metadata": {"input": "{\"modelId\": \"m\"}"}}`:     {"j", true, made},
		`{"jobId": "j", ` + at + `, "metadata": {"input": {"prompt": "a"}}}`:            {"j", true, made},
		`{"jobId": "j", ` + at + `, "metadata": {"input": {"modelId": ["m"]}}}`:         {"j", true, made},
		`{"jobId": "j", ` + at + `, "metadata": {"input": {"modelId": ""}}}`:            {"j", true, made},
		`{"jobId": 12345, ` + at + `, ` + asked + `}`:                                   {"12345", false, made},
		`"j"`: {"j", true, time.Time{}},
	} {
		client := newClient(t, serve(t, answer(200, `{"jobs": [`+finishedJob+`, `+body+`, `+finishedJob+`]}`)).URL)
		runs, _, err := client.Inferences(t.Context(), "", 200)
		if err != nil || len(runs) != 3 {
			t.Errorf("%s: got %d rows, %v", body, len(runs), err)
			continue
		}
		if got := (row{runs[1].ID, runs[1].Opaque, runs[1].CreatedAt}); got != want {
			t.Errorf("%s: got %+v, want %+v", body, got, want)
		}
		if runs[0].Opaque || runs[2].Opaque || runs[2].CreatedAt.IsZero() {
			t.Errorf("%s spoils the rows beside it: %+v", body, runs)
		}
	}
}

func TestInferencesPageSize(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(200, `{"jobs": []}`)).URL)
	for _, size := range []int{-1, 0, 201} {
		if _, _, err := client.Inferences(t.Context(), "", size); err == nil {
			t.Errorf("a page of %d is taken", size)
		}
	}
	for _, size := range []int{1, 200} {
		if _, _, err := client.Inferences(t.Context(), "", size); err != nil {
			t.Errorf("a page of %d: %v", size, err)
		}
	}
}

func TestRepliesAreBounded(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(200, `{"jobs": [], "x": "`+strings.Repeat("x", maxReply)+`"}`)).URL)
	_, _, err := client.Inferences(t.Context(), "", 1)
	if err == nil || !strings.Contains(err.Error(), "larger than 8388608 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestReadsLookingAtSomethingElse(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(200, `{"status": "ok"}`)).URL)
	_, modelErr := client.Model(t.Context(), "model_1")
	_, jobErr := client.Inference(t.Context(), "job_1")
	_, assetErr := client.Asset(t.Context(), "asset_1")
	_, assetsErr := client.Assets(t.Context(), []string{"asset_1"})
	_, quoteErr := client.Quote(t.Context(), job.Request{Model: "model_1"})
	for _, err := range []error{modelErr, jobErr, assetErr, assetsErr, quoteErr} {
		if err == nil {
			t.Error("a reply about nothing is taken for an answer")
		}
	}
}
