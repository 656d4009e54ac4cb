package batch

import (
	"context"

	"nightshift/internal/job"
)

// Refusals are the jobs that the provider refused for their content and charged for, and
// that have not succeeded since, with what they cost so far. The same content would be
// refused and charged again, so such a job stays as it is until a person asks for it, or
// its row is changed and it is another job.
func (f *Folder) Refusals(ctx context.Context) (map[job.ID]job.CU, error) {
	type attempt struct {
		job    job.ID
		number int
	}
	counted := make(map[attempt]bool) // a line may stand twice
	cost := make(map[job.ID]job.CU)
	refused := make(map[job.ID]job.CU)
	for line, err := range briefResults.ReadObject(ctx, f.Bucket, objectKey(f.Batch, failedName)) {
		if err != nil {
			return nil, err
		}
		r := &line.Value
		if this := (attempt{r.Job, r.Attempts}); r.Cost() > 0 && !counted[this] {
			counted[this] = true
			cost[r.Job] += r.Cost()
		}
		if r.RefusedAndCharged() {
			refused[r.Job] = 0
		}
	}
	if len(refused) == 0 {
		return refused, nil
	}
	for id := range refused {
		refused[id] = cost[id]
	}
	for line, err := range briefResults.ReadObject(ctx, f.Bucket, objectKey(f.Batch, succeededName)) {
		if err != nil {
			return nil, err
		}
		delete(refused, line.Value.Job)
	}
	return refused, nil
}
