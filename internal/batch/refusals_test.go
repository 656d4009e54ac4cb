package batch_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	const price = 10 * job.OneCU
	line := func(kind string, attempt int, billed, refunded job.CU) job.Result {
		return job.Result{Job: "a", State: job.Failed, Kind: kind, Attempts: attempt, Billed: billed, Refunded: refunded}
	}
	refused := line(job.KindRejected, 1, price, 0)
	tests := map[string]struct {
		lines []job.Result
		want  map[job.ID]job.CU
	}{
		"nothing failed":                {nil, map[job.ID]job.CU{}},
		"refused and charged":           {[]job.Result{refused}, map[job.ID]job.CU{"a": price}},
		"the line stands twice":         {[]job.Result{refused, refused}, map[job.ID]job.CU{"a": price}},
		"asked for again":               {[]job.Result{refused, line(job.KindRejected, 2, price, 0)}, map[job.ID]job.CU{"a": 2 * price}},
		"charged for a fault, then so":  {[]job.Result{line(job.KindProvider, 1, price, 0), line(job.KindRejected, 2, price, 0)}, map[job.ID]job.CU{"a": 2 * price}},
		"a fault after it":              {[]job.Result{refused, line(job.KindProvider, 2, 0, 0)}, map[job.ID]job.CU{"a": price}},
		"refunded":                      {[]job.Result{line(job.KindRejected, 1, price, price)}, map[job.ID]job.CU{}},
		"refunded in part":              {[]job.Result{line(job.KindRejected, 1, price, 1)}, map[job.ID]job.CU{"a": price - 1}},
		"a fault of the provider":       {[]job.Result{line(job.KindProvider, 1, price, 0)}, map[job.ID]job.CU{}},
		"not stored":                    {[]job.Result{line(job.KindStorage, 1, price, 0)}, map[job.ID]job.CU{}},
		"refused before it was charged": {[]job.Result{line(job.KindRejected, 0, 0, 0)}, map[job.ID]job.CU{}},
		"made since":                    {[]job.Result{refused, {Job: "a", State: job.Succeeded, Attempts: 2, Billed: price}}, map[job.ID]job.CU{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := batch.NewFolder(batchtest.Local(t), "night")
			for _, result := range test.lines {
				if err := folder.Log.Append(t.Context(), result); err != nil {
					t.Fatal(err)
				}
			}
			got, err := folder.Refusals(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
		})
	}
}
