package runner_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// alike makes the jobs of a bed equal but for the names of their images: no seed tells
// their runs apart.
func alike(b *bed) {
	for _, j := range b.jobs {
		j.Inputs = job.Inputs{"prompt": "a potion"}
	}
}

// Of equal jobs whose replies were lost each adopts one run, and those for which there
// is none are sent again.
func TestEqualJobsAdoptOneEach(t *testing.T) {
	t.Parallel()
	for accepted := range 4 {
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 3)
			alike(b)
			for i := range 3 {
				b.provider.replies = append(b.provider.replies, reply{err: errLost, taken: i < accepted})
			}
			p := b.start(nil).watch().feed()
			b.over()
			p.stop()
			if len(b.provider.runs) != 3 || len(b.folder.images) != 3 {
				t.Errorf("with %d of 3 accepted: %d runs, %d images", accepted, len(b.provider.runs), len(b.folder.images))
			}
			if len(b.admission.held) > 0 || b.admission.spent != 3*price {
				t.Errorf("held are %v, spent %s", b.admission.held, b.admission.spent)
			}
		})
	}
}

// With more equal runs than jobs only a person can tell, whose answer is acted on.
func TestDecisions(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answer string // the run that it names; "" sends the job again
		runs   int    // of ours and the stranger's in the end
		image  string
	}{
		"this run is it":        {answer: "run_1", runs: 2, image: "run_1/0"},
		"it was never accepted": {runs: 3, image: "run_2/0"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				alike(b)
				b.provider.replies = []reply{{err: errLost, taken: true}}
				began := time.Now()
				p := b.start(nil).feed()
				b.await("it was sent", func() bool { return b.provider.sent == 1 })
				b.do(func() { b.provider.accept(b.jobs[0].Model, b.jobs[0].Inputs, reply{}) }) // another program's
				p.watch()
				b.await("a person is asked", func() bool { return len(b.folder.questions) > 0 })
				if asked := time.Since(began); asked < grace {
					t.Errorf("a person is asked after %s, before the grace time is over", asked)
				}
				time.Sleep(time.Minute)
				b.do(func() {
					if open := b.folder.questions; len(open) != 1 || len(open[0].Candidates) != 2 || b.provider.sent != 1 || b.admission.held[attempt{refOf(b.jobs[0]), 1}] == nil {
						t.Errorf("asked is %+v, %d were sent, held is %v", open, b.provider.sent, b.admission.held)
					}
					if wait := p.Waits(); wait.Reason != job.WaitDecision || !wait.NeedsOperator {
						t.Errorf("it waits for %+v, want a decision", wait)
					}
					b.folder.answers = []job.Answer{{Job: b.jobs[0].ID, Attempt: 1, Inference: c.answer, At: time.Now()}}
				})
				b.over()
				b.await("nothing is asked any more", func() bool { return len(b.folder.questions) == 0 })
				p.stop()
				if _, there := b.folder.images[c.image]; !there || len(b.provider.runs) != c.runs {
					t.Errorf("%d runs, images %v, want %d and %s", len(b.provider.runs), b.folder.images, c.runs, c.image)
				}
			})
		})
	}
}

// An answer that is older than the request was about an earlier one.
func TestOldAnswersAreNotTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.folder.answers = []job.Answer{{Job: b.jobs[0].ID, Attempt: 1, At: time.Now()}}
		time.Sleep(time.Second)
		b.provider.replies = []reply{{err: errLost, taken: true, lag: grace / 2}}
		p := b.start(nil).watch().feed()
		b.over()
		p.stop()
		if got, want := b.store.went(refOf(b.jobs[0])), way(sent, []job.State{job.Unknown}, collected); !slices.Equal(got, want) {
			t.Errorf("the job went\n%v, want\n%v", got, want)
		}
		b.judge(0)
	})
}

// Where nobody can say whether a request was accepted, a run with its own seed is not asked
// about, whatever its date: it is taken once the grace time is over.
func TestEarlyRunIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.provider.replies = []reply{{err: errLost, taken: true}}
		b.provider.early = true
		began := time.Now()
		p := b.start(nil).watch().feed()
		b.over()
		p.stop()
		if took := time.Since(began); took < grace {
			t.Errorf("taken after %s, before another could be listed", took)
		}
		if len(b.provider.runs) != 1 || len(b.folder.images) != 1 || len(b.folder.questions) > 0 {
			t.Errorf("%d runs, %d images, questions %v", len(b.provider.runs), len(b.folder.images), b.folder.questions)
		}
	})
}

// A receipt that names the run of another job is no receipt: the job's own run is looked for
// at once.
func TestReceiptOfAnotherJobsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.provider.replies = []reply{{names: "another"}}
		b.store.ours["another"] = job.Ref{Batch: batchName, ID: "other"}
		began := time.Now()
		p := b.start(nil).feed()
		b.await("a run is looked for", func() bool {
			return slices.Contains(b.store.went(refOf(b.jobs[0])), job.Unknown)
		})
		if took := time.Since(began); took > time.Second {
			t.Errorf("it is looked for after %s", took)
		}
		p.watch()
		b.over()
		p.stop()
		if len(b.provider.runs) != 1 || len(b.folder.images) != 1 || b.admission.spent != price {
			t.Errorf("%d runs, %d images, %s spent", len(b.provider.runs), len(b.folder.images), b.admission.spent)
		}
	})
}

// Before a request without a seed is sent again, a run of the same and the same key that
// was made before it, by the clocks, is asked about.
func TestRunOfBeforeIsAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.provider.replies = []reply{{err: errLost, taken: true}}
		b.provider.before = true
		p := b.start(nil).watch().feed()
		b.await("a person is asked", func() bool { return len(b.folder.questions) > 0 })
		time.Sleep(5 * grace)
		b.do(func() {
			if open := b.folder.questions; len(open) != 1 || len(open[0].Candidates) != 1 || b.provider.sent != 1 {
				t.Errorf("asked is %+v, %d were sent", open, b.provider.sent)
			}
			b.folder.answers = []job.Answer{{Job: b.jobs[0].ID, Attempt: 1, Inference: "run_0", At: time.Now()}}
		})
		b.over()
		p.stop()
		if len(b.provider.runs) != 1 || len(b.folder.images) != 1 {
			t.Errorf("%d runs, %d images", len(b.provider.runs), len(b.folder.images))
		}
	})
}
