package report

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// Tally fills in the fields of the report that the log knows: the counts of
// ended jobs and images, CU, attempts, failures and durations. It looks at the
// lines of its submission (of all, if r.Order and r.Started are zero), sets NotRun to
// what is missing from r.Counts.Jobs, and leaves the other fields alone.
//
// Every inference is paid for, so CU and attempts add up over all of a job's
// lines. An inference that has several lines counts once, with the largest amounts
// that any of them names: a line of images that were fetched again names none.
//
// The log is read once; some fifty bytes of each line are held meanwhile.
func Tally(ctx context.Context, l *batch.Log, r *Report) error {
	_, err := tallyWith(ctx, l, r, nil)
	return err
}

// tallyWith also counts how the images are marked.
func tallyWith(ctx context.Context, l *batch.Log, r *Report, picks *batch.Picks) (batch.PickTally, error) {
	t := tally{refs: newRefTable(), paid: newPayments(), picks: picks, marked: make(map[int]batch.PickTally)}
	for line, err := range l.Brief(ctx) {
		if err != nil {
			return t.marks, fmt.Errorf("tally batch %q: %w", r.Batch, err)
		}
		if line.Value.Of(r.Order, r.Started) {
			t.add(&line.Value)
		}
	}
	t.fill(r)
	return t.marks, nil
}

// tally adds up results.
type tally struct {
	refs     *refTable
	paid     *payments
	failures failures
	warnings failures         // by image
	warned   map[int][]uint32 // the numbers of warnings, by line; few lines have any
	lines    chunks[talliedLine]

	picks  *batch.Picks            // nil where nobody asks for marks
	marked map[int]batch.PickTally // by line; most lines have none
	marks  batch.PickTally         // of the lines that stand
}

// talliedLine is what counts of a line if it is the one that stands.
type talliedLine struct {
	inference float32 // seconds; negative where not known
	// detail is the number of the failure, of a job that failed; of one that
	// succeeded, the bits of the seconds that storing took.
	detail uint32
	images uint16
	state  talliedState
	stands bool
}

type talliedState uint8

const (
	talliedFailed talliedState = iota
	talliedCancelled
	talliedSucceeded
)

func (t *tally) add(r *job.Result) {
	t.refs.add(r)
	t.paid.add(r)
	line := talliedLine{inference: -1, images: uint16(min(len(r.Images), math.MaxUint16))}
	if !r.Submitted.IsZero() && !r.Ended.IsZero() {
		line.inference = seconds(r.Submitted, r.Ended)
	}
	switch r.State {
	case job.Succeeded:
		line.state = talliedSucceeded
		storing := float32(-1)
		if !r.Ended.IsZero() {
			storing = seconds(r.Ended, r.Recorded)
		}
		line.detail = math.Float32bits(storing)
		t.addWarnings(r)
		t.addMarks(r)
	case job.Cancelled:
		line.state = talliedCancelled
	default:
		line.detail = t.failures.note(r)
	}
	t.lines.add(line)
}

// addWarnings notes the warnings of the images of the next line.
func (t *tally) addWarnings(r *job.Result) {
	for _, image := range r.Images {
		if image.Warning == "" {
			continue
		}
		if t.warned == nil {
			t.warned = make(map[int][]uint32)
		}
		number := t.warnings.note(&job.Result{Row: r.Row, Reason: image.Warning})
		t.warned[t.lines.len()] = append(t.warned[t.lines.len()], number)
	}
}

// addMarks notes the marks of the images of the next line.
func (t *tally) addMarks(r *job.Result) {
	if t.picks == nil {
		return
	}
	var marks batch.PickTally
	for i := range r.Images {
		marks.Add(t.picks.Of(job.Picture{Job: r.Job, Image: i}))
	}
	if marks.Picked+marks.Rejected > 0 {
		t.marked[t.lines.len()] = marks
	}
}

func (t *tally) fill(r *Report) {
	t.refs.standing(func(number int) { t.lines.at(number).stands = true })
	counts := Counts{Jobs: r.Counts.Jobs, Kept: r.Counts.Kept, FailedBefore: r.Counts.FailedBefore, Waiting: r.Counts.Waiting}
	inference, storing := make([]float32, 0, t.lines.len()), make([]float32, 0, t.lines.len())
	number := -1
	for line := range t.lines.all {
		number++
		if !line.stands {
			continue
		}
		for _, warning := range t.warned[number] {
			counts.Warned++
			t.warnings.count(warning)
		}
		counts.Images += int(line.images)
		t.marks.Images += int(line.images)
		t.marks.Picked += t.marked[number].Picked
		t.marks.Rejected += t.marked[number].Rejected
		switch line.state {
		case talliedSucceeded:
			counts.Succeeded++
			storing = appendKnown(storing, math.Float32frombits(line.detail))
		case talliedCancelled:
			counts.Cancelled++
		default:
			counts.Failed++
			t.failures.count(line.detail)
		}
		inference = appendKnown(inference, line.inference)
	}
	counts.NotRun = max(0, counts.Jobs-counts.Kept-counts.FailedBefore-counts.Waiting-counts.Succeeded-counts.Failed-counts.Cancelled)
	paid := t.paid.total()
	r.Counts, r.Attempts = counts, paid.attempts
	r.CU = Bill{Quoted: paid.quoted, Billed: paid.billed, Refunded: paid.refunded}
	r.Failures = t.failures.groups()
	r.ImageWarnings = nil
	for _, group := range t.warnings.groups() {
		r.ImageWarnings = append(r.ImageWarnings, job.WarningGroup{Warning: group.Reason, Images: group.Jobs, Rows: group.Rows})
	}
	r.Durations.Inference, r.Durations.Storing = spread(inference), spread(storing)
}

func appendKnown(all []float32, seconds float32) []float32 {
	if seconds < 0 {
		return all
	}
	return append(all, seconds)
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
