package results

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"time"

	"nightshift/internal/job"
)

const (
	failureRows   = 5   // examples named per failure group
	failureGroups = 100 // reasons listed; the rest shares one group
)

// Tally fills in the fields of the report that the log knows: the counts of
// ended jobs and images, CU, attempts, failures and durations. It looks at the
// lines recorded at or after r.Started (at all, if that is zero), sets NotRun to
// what is missing from r.Counts.Jobs, and leaves the other fields alone.
//
// Every inference is paid for, so CU and attempts add up over all of a job's
// lines, but a line that stands twice counts once.
func (l *Log) Tally(ctx context.Context, r *Report) error {
	standing, err := l.standing(ctx, r.Started)
	if err != nil {
		return fmt.Errorf("tally batch %q: %w", l.batch, err)
	}
	t := tally{seed: maphash.MakeSeed(), paid: map[uint64]bool{}, failures: map[failureKey]*job.FailureGroup{}}
	var line int64
	for result, err := range l.all(ctx) {
		if err != nil {
			return fmt.Errorf("tally batch %q: %w", l.batch, err)
		}
		if result.Recorded.Before(r.Started) {
			continue
		}
		t.pay(&result)
		if _, found := slices.BinarySearch(standing, line); found {
			t.count(&result)
		}
		line++
	}
	t.fill(r)
	return nil
}

// standing returns the numbers, ascending, of the lines since a time that tell
// how things stand now.
func (l *Log) standing(ctx context.Context, since time.Time) ([]int64, error) {
	maker := newRefMaker()
	var refs []ref
	for result, err := range l.all(ctx) {
		if err != nil {
			return nil, err
		}
		if result.Recorded.Before(since) {
			continue
		}
		line := maker.make(&result)
		line.offset = int64(len(refs))
		refs = append(refs, line)
	}
	refs = newest(refs)
	numbers := make([]int64, len(refs))
	for i, line := range refs {
		numbers[i] = line.offset
	}
	slices.Sort(numbers)
	return numbers, nil
}

type failureKey struct{ kind, reason string }

// tally adds up results.
type tally struct {
	seed     maphash.Seed
	paid     map[uint64]bool // by job and inference
	counts   Counts
	cu       Bill
	attempts int
	failures map[failureKey]*job.FailureGroup
	// Seconds of each job: four bytes a job.
	inference, storing []float32
}

// pay adds what the line's inference cost, unless the line was seen before.
func (t *tally) pay(r *job.Result) {
	run := maphash.String(t.seed, string(r.Job)+"\x00"+r.Inference)
	if r.Inference != "" && t.paid[run] {
		return
	}
	t.paid[run] = true
	t.cu.Quoted += r.Quoted
	t.cu.Billed += r.Billed
	t.cu.Refunded += r.Refunded
	t.attempts += r.Attempts
}

func (t *tally) count(r *job.Result) {
	t.counts.Images += len(r.Images)
	switch r.State {
	case job.Succeeded:
		t.counts.Succeeded++
	case job.Cancelled:
		t.counts.Cancelled++
	default:
		t.counts.Failed++
		t.fail(r)
	}
	if r.Ended.IsZero() {
		return
	}
	if !r.Submitted.IsZero() {
		t.inference = append(t.inference, seconds(r.Submitted, r.Ended))
	}
	if r.State == job.Succeeded {
		t.storing = append(t.storing, seconds(r.Ended, r.Recorded))
	}
}

func (t *tally) fail(r *job.Result) {
	key := failureKey{r.Kind, r.Reason}
	found, ok := t.failures[key]
	if !ok && len(t.failures) >= failureGroups {
		key = failureKey{reason: "other reasons"}
		found, ok = t.failures[key]
	}
	if !ok {
		found = &job.FailureGroup{Kind: key.kind, Reason: key.reason}
		if key.reason == r.Reason {
			found.Hint = r.Hint
		}
		t.failures[key] = found
	}
	found.Jobs++
	if len(found.Rows) < failureRows {
		found.Rows = append(found.Rows, r.Row)
	}
}

func (t *tally) fill(r *Report) {
	t.counts.Jobs, t.counts.Kept = r.Counts.Jobs, r.Counts.Kept
	ended := t.counts.Kept + t.counts.Succeeded + t.counts.Failed + t.counts.Cancelled
	t.counts.NotRun = max(0, t.counts.Jobs-ended)
	r.Counts, r.CU, r.Attempts = t.counts, t.cu, t.attempts
	r.Failures = nil
	for _, group := range t.failures {
		r.Failures = append(r.Failures, *group)
	}
	slices.SortFunc(r.Failures, func(a, b job.FailureGroup) int {
		return cmp.Or(cmp.Compare(b.Jobs, a.Jobs), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Reason, b.Reason))
	})
	r.Durations.Inference, r.Durations.Storing = spread(t.inference), spread(t.storing)
}

// seconds never goes below zero: the two times can come from two clocks.
func seconds(from, to time.Time) float32 {
	return float32(max(0, to.Sub(from).Seconds()))
}

func spread(all []float32) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	rank := func(share float64) float64 {
		return round(float64(all[int(math.Ceil(share*float64(len(all))))-1]), 3)
	}
	return Spread{Median: rank(0.5), P95: rank(0.95), Longest: rank(1)}
}

func round(value float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(value*scale) / scale
}
