package worker

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// chainBed is a plan of rows with steps, and the log of what has ended.
type chainBed struct {
	t     *testing.T
	log   *batch.Log
	jobs  []*job.Job
	start time.Time
	fails map[job.ID]bool
	ended map[job.ID]bool
	order string        // the submission that goes on
	slow  time.Duration // how far the clock is behind by which results are recorded
}

// newChainBed has rows with steps: in the plan, all jobs of a step come after those of the
// step before.
func newChainBed(t *testing.T, rows, steps int) *chainBed {
	t.Helper()
	folder, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &chainBed{t: t, log: batch.NewLog(folder, "b"), start: time.Now(), fails: map[job.ID]bool{}, ended: map[job.ID]bool{}, order: "o2"}
	for step := range steps + 1 {
		for row := range rows {
			j := &job.Job{ID: chainID(row, step), Index: len(b.jobs), Row: fmt.Sprintf("r%d/s%d", row, step), Inputs: job.Inputs{}, Quote: job.CU(step + 1)}
			if step > 0 {
				j.PictureInputs = []string{"image"}
				j.Inputs["image"] = job.Picture{Job: chainID(row, step-1)}.String()
			}
			b.jobs = append(b.jobs, j)
		}
	}
	return b
}

func chainID(row, step int) job.ID {
	return job.Identify("m", job.Inputs{"row": row, "step": step}, nil)
}

// chain is what a leader begins with.
func (b *chainBed) chain() *chain {
	b.t.Helper()
	return b.chainFrom(new(fleet.Feed))
}

// chainFrom is what a leader begins with that goes on from where a feed was left.
func (b *chainBed) chainFrom(feed *fleet.Feed) *chain {
	b.t.Helper()
	feed.Unfed, feed.Held = 0, 0
	c := &chain{of: b.order, start: b.start, needed: make(map[job.ID]*neededJob), follower: b.log.Follow(false), highest: -1}
	for _, j := range b.jobs {
		for _, id := range j.Needs() {
			c.needed[id] = new(neededJob)
		}
	}
	for _, j := range b.jobs {
		c.expect(j, plan.New, feed)
	}
	if err := c.look(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return c
}

// from are the jobs of the plan from an index on, as a leader reads them.
func (b *chainBed) from(index int) iter.Seq2[*job.Job, error] {
	return func(yield func(*job.Job, error) bool) {
		for _, j := range b.jobs[index:] {
			fresh := *j
			if !yield(&fresh, nil) {
				return
			}
		}
	}
}

// end writes how a job has ended, as of a time.
func (b *chainBed) end(j *job.Job, at time.Time) {
	b.t.Helper()
	result := job.Result{
		Job: j.ID, Index: j.Index, Row: j.Row, State: job.Succeeded, Model: "m", Inputs: job.Inputs{}, Outputs: []string{"x.png"},
		Images: []job.Image{{Key: j.Row + ".png", Asset: "asset_" + j.Row}}, APIKey: "k", Attempts: 1, Recorded: at.Add(-b.slow), Order: b.order,
	}
	switch {
	case j.NeedFailed != nil:
		result.State, result.Kind, result.Reason = job.Failed, job.KindNeed, j.NeedFailed.String()
	case b.fails[j.ID]:
		result.State, result.Kind, result.Reason = job.Failed, job.KindRejected, "no"
	}
	if result.State == job.Failed {
		result.Images = nil
	}
	if err := b.log.Append(b.t.Context(), result); err != nil {
		b.t.Fatal(err)
	}
	b.ended[j.ID] = true
}

// checkOrder demands that what a job takes has ended before the job is given.
func (b *chainBed) checkOrder(j *job.Job) {
	b.t.Helper()
	for _, p := range j.Pictures() {
		if !b.ended[p.Job] {
			b.t.Fatalf("%s is given before its image is there", j.Row)
		}
		if made := j.Made[p.String()]; j.NeedFailed == nil && (made.Asset == "" || made.APIKey != "k" || made.Key == "") {
			b.t.Fatalf("%s is given with the image %+v", j.Row, made)
		}
	}
}

// A job is given once what it takes is there; each once, and none is left out.
func TestChainsAreGivenInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newChainBed(t, 7, 10)
		b.fails[chainID(3, 4)] = true
		given := map[string]int{}
		for j, err := range b.chain().order(t.Context(), b.from(0)) {
			if err != nil {
				t.Fatal(err)
			}
			if j == nil {
				continue
			}
			given[j.Row]++
			b.checkOrder(j)
			b.end(j, time.Now())
			want := ""
			for step := 5; step <= 10; step++ {
				if j.ID == chainID(3, step) {
					want = "it is made from r3/s4, which failed: no"
				}
			}
			if want == "" && j.NeedFailed != nil || want != "" && (j.NeedFailed == nil || j.NeedFailed.String() != want) {
				t.Errorf("%s is given with the failure %v, want %q", j.Row, j.NeedFailed, want)
			}
		}
		if len(given) != len(b.jobs) {
			t.Errorf("%d of %d jobs were given", len(given), len(b.jobs))
		}
		for row, times := range given {
			if times != 1 {
				t.Errorf("%s was given %d times", row, times)
			}
		}
	})
}

// Where much waits, the plan is read no further until some of it goes on.
func TestWaitingChainsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rows = pendingMost + 200
		b := newChainBed(t, rows, 2)
		c := b.chain()
		var under []*job.Job
		given, most := 0, 0
		for j, err := range c.order(t.Context(), b.from(0)) {
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, len(c.pending))
			if j != nil {
				given++
				b.checkOrder(j)
				under = append(under, j)
				continue
			}
			if len(under) == 0 {
				t.Fatalf("it waits, and nothing is under way; %d were given", given)
			}
			for _, j := range under {
				b.end(j, time.Now())
			}
			under = nil
		}
		if most > pendingMost || given != len(b.jobs) {
			t.Errorf("up to %d jobs waited, and %d of %d were given", most, given, len(b.jobs))
		}
	})
}

// A leader that takes over begins where the one before had noted that it was; what that one
// had not given to the lane by then is given by the next.
func TestALeaderChangeLeavesNothingOut(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newChainBed(t, 40, 4)
				b.slow = 5 * time.Minute
				for row := range 5 {
					b.fails[chainID(8*row, row)] = true
				}
				random := rand.New(rand.NewPCG(seed, 1))
				lane, feed := map[job.ID]bool{}, new(fleet.Feed)
				for leaders := 0; len(lane) < len(b.jobs); leaders++ {
					if leaders > 200 {
						t.Fatalf("%d of %d jobs were given by %d leaders; the last left %+v", len(lane), len(b.jobs), leaders, feed)
					}
					b.lead(random, lane, feed)
				}
				if feed.Held != 0 || feed.Unfed != 0 {
					t.Errorf("all is given, and %d jobs and %s CU are said to be left", feed.Held, feed.Unfed)
				}
			})
		})
	}
}

// lead is a leader until it dies, at a drawn moment. It notes where the next one begins.
func (b *chainBed) lead(random *rand.Rand, lane map[job.ID]bool, feed *fleet.Feed) {
	b.t.Helper()
	c, left := b.chainFrom(feed), random.IntN(60)
	var next, under []*job.Job
	give := func() {
		for _, j := range next {
			if !lane[j.ID] {
				lane[j.ID] = true
				under = append(under, j)
			}
		}
		if len(next) > 0 {
			c.advance(feed, next)
		}
		next = nil
	}
	size := 1 + random.IntN(10)
	for j, err := range c.order(b.t.Context(), b.from(feed.Fed)) {
		if err != nil {
			b.t.Fatal(err)
		}
		if left--; left < 0 {
			break
		}
		if j != nil {
			b.checkOrder(j)
			next = append(next, j)
		}
		if j == nil || len(next) >= size {
			give()
		}
		if j == nil {
			random.Shuffle(len(under), func(i, k int) { under[i], under[k] = under[k], under[i] })
			for _, j := range under[:(len(under)+1)/2] {
				b.end(j, time.Now())
			}
			under = under[(len(under)+1)/2:]
		}
	}
	if left >= 0 {
		give()
	}
	for _, j := range under { // the lane outlives the leader
		b.end(j, time.Now())
	}
}

// What is left to give counts those that wait for an image, and what they were quoted.
func TestWhatWaitsForImagesIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rows, steps = 3, 2
		b := newChainBed(t, rows, steps)
		feed := new(fleet.Feed)
		c := b.chainFrom(feed)
		if feed.Held != rows*steps || feed.Unfed != rows*(1+2+3) {
			t.Errorf("at first %d jobs wait, and %d are quoted", feed.Held, feed.Unfed)
		}
		for _, j := range b.jobs[:rows+1] {
			c.advance(feed, []*job.Job{j})
		}
		if feed.Held != rows*steps-1 || feed.Unfed != rows*(1+2+3)-rows-2 {
			t.Errorf("then %d jobs wait, and %d are quoted", feed.Held, feed.Unfed)
		}
	})
}

// No clock decides whether a result is of this submission.
func TestWhatEndsNowCountsWhateverTheClocks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order  string        // of the result; "" as of an earlier version, which named none
		before time.Duration // of the start, as recorded; 0 for never
		status plan.Status
		fails  bool
		late   time.Duration // the same of the result that comes while the leader looks
		want   string        // image, failure, or wait
	}{
		"comes in time":                                          {late: -time.Second, want: "image"},
		"comes by a clock that is behind":                        {late: 3 * time.Minute, want: "image"},
		"fails by a clock that is behind":                        {fails: true, late: 3 * time.Minute, want: "failure"},
		"failed in an earlier submission":                        {fails: true, before: time.Minute, want: "wait"},
		"failed for good in an earlier one":                      {fails: true, before: time.Minute, status: plan.FailedBefore, want: "failure"},
		"is kept from long ago":                                  {before: 100 * time.Hour, status: plan.Kept, want: "image"},
		"was made long ago and is made again":                    {before: 100 * time.Hour, want: "wait"},
		"was recorded shortly before, by a clock that is behind": {before: time.Minute, want: "image"},
		"failed under another leader, by a clock that is behind": {order: "o2", fails: true, before: time.Hour, want: "failure"},
		"was made under another leader, likewise":                {order: "o2", before: time.Hour, want: "image"},
		"failed before, by a clock that is ahead":                {order: "o1", fails: true, before: -time.Hour, want: "wait"},
		"failed before for good, by a clock that is ahead":       {order: "o1", fails: true, before: -time.Hour, status: plan.FailedBefore, want: "failure"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newChainBed(t, 1, 1)
				b.order = c.order
				b.fails[b.jobs[0].ID] = c.fails
				if c.before != 0 {
					b.end(b.jobs[0], b.start.Add(-c.before))
				}
				chain := &chain{of: "o2", start: b.start, needed: map[job.ID]*neededJob{b.jobs[0].ID: {status: c.status}}, follower: b.log.Follow(false), highest: -1}
				if err := chain.look(t.Context()); err != nil {
					t.Fatal(err)
				}
				if c.late != 0 {
					b.end(b.jobs[0], b.start.Add(-c.late))
					if err := chain.look(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				j, got := b.jobs[1], "wait"
				if chain.settled(j) {
					got = "image"
					if j.NeedFailed != nil {
						got = "failure"
					}
				}
				if got != c.want {
					t.Errorf("the step meets: %s, want %s", got, c.want)
				}
			})
		})
	}
}

// A step whose row made fewer images than it takes fails with that reason.
func TestAMissingImageFailsItsStep(t *testing.T) {
	t.Parallel()
	b := newChainBed(t, 1, 1)
	b.jobs[1].Inputs["image"] = job.Picture{Job: b.jobs[0].ID, Image: 1}.String()
	c := b.chain()
	c.needed[b.jobs[0].ID].row = b.jobs[0].Row
	b.end(b.jobs[0], time.Now())
	if err := c.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if j := b.jobs[1]; !c.settled(j) || j.NeedFailed == nil || j.NeedFailed.String() != "it is made from r0/s0, which failed: it made no image 2" {
		t.Errorf("it ends with %v", j.NeedFailed)
	}
}

// An end of the context ends the waiting.
func TestAChainEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newChainBed(t, 1, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var last error
		rows := []string{}
		for j, err := range b.chain().order(ctx, b.from(0)) {
			last = err
			if j != nil {
				rows = append(rows, j.Row)
			}
		}
		if last == nil || !slices.Equal(rows, []string{"r0/s0"}) {
			t.Errorf("given are %v, and it ends with %v", rows, last)
		}
	})
}
