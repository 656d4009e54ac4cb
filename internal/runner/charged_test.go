package runner

import (
	"testing"

	"nightshift/internal/job"
)

// What is counted for a run, by what the provider shows of its bill.
func TestCharged(t *testing.T) {
	t.Parallel()
	const quote = 10_000
	kept := job.Outcome{Status: job.RunFailed, BilledKnown: true, RefundDisabled: true}
	fee := kept
	fee.Billed = 1_000
	succeeded := func(billed job.CU) job.Outcome {
		return job.Outcome{Status: job.RunSucceeded, Billed: billed, BilledKnown: true}
	}
	cases := map[string]struct {
		outcome job.Outcome
		quote   job.CU
		counted bool
		want    job.CU
	}{
		"as quoted":                     {outcome: succeeded(quote), quote: quote, want: quote},
		"dearer":                        {outcome: succeeded(12_000), quote: quote, want: 12_000},
		"a little less":                 {outcome: succeeded(8_000), quote: quote, want: 8_000},
		"a half":                        {outcome: succeeded(5_000), quote: quote, want: 5_000},
		"less than a half":              {outcome: succeeded(4_999), quote: quote, want: quote},
		"nothing":                       {outcome: succeeded(0), quote: quote, want: quote},
		"nothing, as quoted":            {outcome: succeeded(0)},
		"not shown":                     {outcome: job.Outcome{Status: job.RunSucceeded}, quote: quote, want: quote},
		"counted before":                {outcome: succeeded(0), quote: quote, counted: true},
		"failed, to be refunded":        {outcome: job.Outcome{Status: job.RunFailed, BilledKnown: true}, quote: quote},
		"failed, a charge of 0 is kept": {outcome: kept, quote: quote, want: quote},
		"failed, next to nothing kept":  {outcome: fee, quote: quote, want: quote},
		"not known to the provider":     {outcome: job.Outcome{Status: job.RunNotFound, RefundDisabled: true}, quote: quote, want: quote},
		"the smallest":                  {outcome: succeeded(1), quote: 2, want: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &job.Record{Job: job.Job{Quote: c.quote}, Outcome: &c.outcome, Counted: c.counted}
			if got := charged(rec); got != c.want {
				t.Errorf("counted %s, want %s", got, c.want)
			}
		})
	}
}
