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
	quote, err := client.DryRun(t.Context(), testModel, testInputs)
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
		"no job":                        {201, `{"job": null, "creativeUnitsCost": 0.5, "costDetails": null}`, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, answer(test.status, test.body)).URL)
			got, err := client.DryRun(t.Context(), testModel, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Total != test.want || len(got.Parts) != 0 {
				t.Errorf("got %+v, want %s without parts", got, test.want)
			}
		})
	}
}

func TestDryRunThatWasPaid(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a job":          acceptedBody,
		"beside the job": `{"jobId": "job_KWxx", "creativeUnitsCost": 2}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, answer(200, body)).URL)
			_, err := client.DryRun(t.Context(), testModel, testInputs)
			if !errors.Is(err, job.ErrInvalid) || !strings.Contains(err.Error(), "job_KWxx, which is PAID") || job.Hint(err) == "" {
				t.Errorf("got %v (hint %q), want the paid inference named", err, job.Hint(err))
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
			_, err := client.DryRun(t.Context(), testModel, testInputs)
			if err == nil || errors.Is(err, job.ErrInvalid) {
				t.Errorf("got %v, want a plain error", err)
			}
		})
	}
}

func TestDryRunServerError(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(503, "")).URL)
	_, err := client.DryRun(t.Context(), testModel, testInputs)
	if err == nil || unknown(err) {
		t.Errorf("got %v, want an error that may pass: nothing is paid by a dry run", err)
	}
}
