package plan_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// encoded is a job by way of encoding/json, as AppendLine promises to write it.
func encoded(t *testing.T, planned *plan.PlannedJob) string {
	t.Helper()
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(planned); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func FuzzLine(f *testing.F) {
	f.Add("a", "icons.yaml:3", "prompt", "a <cat> & \"dog\"\u2028", "style", "ink", "a-{n}.{ext}", 7, int64(4500))
	f.Add("", "", "", "", "", "", "", 0, int64(0))
	f.Add("\xff", "é:1", "\n", "\x00\x7f", "\\", "\xed\xa0\x80", "/", -1, int64(-27001))
	f.Fuzz(func(t *testing.T, row, place, input, text, variable, value, output string, number int, quote int64) {
		planned := plan.PlannedJob{Status: plan.Changed, Job: job.Job{
			ID: job.ID(text), Index: number, Row: row, Place: place, Model: value, PromptInput: input,
			SeedDrawn: number%2 == 0,
			Inputs:    job.Inputs{input: text, "list": []any{true, nil, value}, "none": nil},
			Outputs:   []string{output, row}, Variables: map[string]string{variable: value, row: text}, Quote: job.CU(quote),
		}}
		for range 2 {
			if got, want := string(planned.AppendLine([]byte("before"))), "before"+encoded(t, &planned); got != want {
				t.Errorf("line\n got %s\nwant %s", got, want)
			}
			planned.Place, planned.PromptInput, planned.Variables = "", "", nil // what is left out when empty
		}
	})
}
