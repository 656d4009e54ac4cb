package batch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/jsonl"
	"nightshift/internal/manifest"
	"nightshift/internal/plan"
)

// JobsToRun streams the jobs of a written plan that have no result yet. Errors are those of
// [PlannedJobs].
func JobsToRun(ctx context.Context, b bucket.Objects, key string) iter.Seq2[*job.Job, error] {
	return func(yield func(*job.Job, error) bool) {
		for planned, err := range PlannedJobs(ctx, b, key) {
			if err != nil {
				yield(nil, err)
				return
			}
			if planned.Status.Runs() && !yield(&planned.Job, nil) {
				return
			}
		}
	}
}

// PlannedJobs streams all jobs of a written plan. After an error it ends; that of a line
// which is no job is a [job.HintedError] that wraps [job.ErrDamaged]. What the bucket holds
// is not believed: a job without an id, or with a name of ours for its image, would harm
// others.
func PlannedJobs(ctx context.Context, b bucket.Objects, key string) iter.Seq2[plan.PlannedJob, error] {
	return func(yield func(plan.PlannedJob, error) bool) {
		body, err := b.Open(ctx, key)
		if err != nil {
			yield(plan.PlannedJob{}, err)
			return
		}
		defer body.Close() // only read from
		reader := bufio.NewReaderSize(body, 64<<10)
		for number, least := 1, 0; ; number++ {
			line, complete, err := jsonl.ReadLine(reader)
			if err == nil && !complete && len(line) == 0 {
				return
			}
			var planned plan.PlannedJob
			if err == nil {
				planned, err = decodePlanned(line, least)
			}
			if err != nil {
				yield(plan.PlannedJob{}, damagedPlan(b.Path(key), number, err))
				return
			}
			least = planned.Index + 1
			if !yield(planned, nil) {
				return
			}
		}
	}
}

func damagedPlan(path string, line int, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || bucket.Away(err) {
		return fmt.Errorf("read %s, line %d: %w", path, line, err)
	}
	return jsonl.Damaged(path, line, err, "submit the manifest again; to give the batch up, enqueue cancel")
}

// maxPlanned is more than any job has: prompts are at most some ten thousand characters.
const maxPlanned = 4 << 20

var errNotAJob = errors.New("not a job of a plan")

// decodePlanned reads a line of a plan, whose place is least or later.
func decodePlanned(line []byte, least int) (planned plan.PlannedJob, err error) {
	if len(line) > maxPlanned {
		return planned, fmt.Errorf("%w: longer than %d MiB", errNotAJob, maxPlanned>>20)
	}
	if err := json.Unmarshal(line, &planned); err != nil {
		return planned, fmt.Errorf("%w: %w", errNotAJob, err)
	}
	j := &planned.Job
	switch {
	case !j.ID.Valid():
		return planned, fmt.Errorf("%w: %q is no id of a job", errNotAJob, string(j.ID))
	case j.Index < least:
		return planned, fmt.Errorf("%w: place %d comes after %d", errNotAJob, j.Index, least-1)
	case j.Model == "" || len(j.Inputs) == 0 || len(j.Outputs) == 0:
		return planned, fmt.Errorf("%w: job %s lacks model, inputs or outputs", errNotAJob, j.ID)
	case j.Quote < 0 || j.Before < 0:
		return planned, fmt.Errorf("%w: job %s has a price or a number of attempts below 0", errNotAJob, j.ID)
	}
	for _, name := range j.Outputs {
		if err := manifest.CheckOutput(name); err != nil {
			return planned, fmt.Errorf("%w: job %s: %w", errNotAJob, j.ID, err)
		}
	}
	return planned, nil
}
