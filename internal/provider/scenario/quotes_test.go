package scenario

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

func TestDryRun(t *testing.T) {
	t.Parallel()
	var got []string
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.RequestURI, string(body))
		answer(269, `{"creativeUnitsCost": 10.75, "creativeUnitsDiscount": 0,
			"costDetails": {"custom-generation": 9, "quality-gate": 1.75}}`)(w, r)
	}).URL)
	quote, err := client.Quote(t.Context(), testRequest)
	if err != nil {
		t.Fatal(err)
	}
	want := job.Quote{Total: 10750, Parts: map[string]job.CU{"custom-generation": 9000, "quality-gate": 1750}}
	if diff := cmp.Diff(want, quote); diff != "" {
		t.Errorf("quote (-want +got):\n%s", diff)
	}
	sent := []string{"POST /v1/generate/custom/model_bfl-flux-1-dev?dryRun=true", `{"prompt":"a red potion"}`}
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestDryRunReplies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		want   job.CU
	}{
		"as the vendor's tools show it": {200, `{"job": {}, "creativeUnitsCost": 2}`, 2000},
		"no job id":                     {200, `{"job": "", "jobId": null, "creativeUnitsCost": 2}`, 2000},
		"an empty list of jobs":         {200, `{"job": [ ], "creativeUnitsCost": 2}`, 2000},
		"no job":                        {201, `{"job": null, "creativeUnitsCost": 0.5, "costDetails": null}`, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, answer(test.status, test.body)).URL)
			got, err := client.Quote(t.Context(), job.Request{Model: testModel})
			if err != nil {
				t.Fatal(err)
			}
			if got.Total != test.want || len(got.Parts) != 0 {
				t.Errorf("got %+v, want %s without parts", got, test.want)
			}
		})
	}
}

// TestDryRunThatWasPaid: whatever names a job was paid, and is an error of its own
// kind, so that nobody takes it for a refusal of the inputs or asks again.
func TestDryRunThatWasPaid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		want job.PaidDryRunError
	}{
		"a job":            {acceptedBody, job.PaidDryRunError{Inference: "job_KWxx", Cost: 10750, CostKnown: true}},
		"beside the job":   {`{"jobId": "job_KWxx", "creativeUnitsCost": 2}`, job.PaidDryRunError{Inference: "job_KWxx", Cost: 2000, CostKnown: true}},
		"a bare id":        {`{"job": "job_KWxx"}`, job.PaidDryRunError{Inference: "job_KWxx"}},
		"a number":         {`{"job": 17, "creativeUnitsCost": 2}`, job.PaidDryRunError{Inference: "17", Cost: 2000, CostKnown: true}},
		"without an id":    {`{"job": {"status": "queued"}, "creativeUnitsCost": 0}`, job.PaidDryRunError{CostKnown: true}},
		"an id of objects": {`{"job": {"jobId": {"S": "job_KWxx"}}}`, job.PaidDryRunError{}},
		"a list":           {`{"job": [{"jobId": "job_KWxx"}], "creativeUnitsCost": -1}`, job.PaidDryRunError{}},
		"an empty job":     {`{"job": {}, "jobId": "job_KWxx"}`, job.PaidDryRunError{Inference: "job_KWxx"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, answer(200, test.body)).URL)
			_, err := client.Quote(t.Context(), testRequest)
			paid, ok := errors.AsType[*job.PaidDryRunError](err)
			if !ok || errors.Is(err, job.ErrInvalid) {
				t.Fatalf("got %v, want a paid dry run and nothing else", err)
			}
			test.want.Model = testModel
			if diff := cmp.Diff(test.want, *paid); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if hint := job.Hint(err); !strings.Contains(hint, "proxy") || !strings.Contains(hint, paid.Inference) {
				t.Errorf("hint %q", hint)
			}
		})
	}
}

func TestDryRunWithoutPrice(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no price":       `{"costDetails": {"custom-generation": 9}}`,
		"negative price": `{"creativeUnitsCost": -1}`,
		"odd part":       `{"creativeUnitsCost": 9, "costDetails": {"custom-generation": "nine"}}`,
		"not JSON":       `269`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, answer(269, body)).URL)
			_, err := client.Quote(t.Context(), testRequest)
			if err == nil || errors.Is(err, job.ErrInvalid) {
				t.Errorf("got %v, want a plain error", err)
			}
		})
	}
}

func TestDryRunServerError(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(503, "")).URL)
	_, err := client.Quote(t.Context(), testRequest)
	if err == nil || unknown(err) {
		t.Errorf("got %v, want an error that may pass: nothing is paid by a dry run", err)
	}
}
