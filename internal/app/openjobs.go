package app

import (
	"context"

	"nightshift/internal/job"
)

// openJobs are those that a stopped run leaves at the provider.
type openJobs struct {
	Jobs int
	CU   job.CU
}

// settle finds what is still under way. If nothing is, the list of what was sent
// can be emptied.
func (r *batchRun) settle(ctx context.Context, end *ending) error {
	for _, state := range []job.State{job.Sending, job.Running, job.Unknown, job.Storing} {
		refs, err := r.engine.store.In(ctx, state, 0)
		if err != nil {
			return err
		}
		records, err := r.engine.store.Records(ctx, refs)
		if err != nil {
			return err
		}
		for _, rec := range records {
			end.open.Jobs++
			end.open.CU += rec.Job.Quote
		}
	}
	if end.open.Jobs > 0 {
		return nil
	}
	left, err := sentBy(ctx, r.bucket, r.batch)
	if err != nil || len(left.open) > 0 {
		return err // something that Redis does not know any more; the next run takes it up
	}
	return r.sent.Clear(ctx)
}
