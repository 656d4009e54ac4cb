package runner_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// person answers what is asked, as the provider's ledger has it, until the test is over.
func (b *bed) person() {
	for {
		select {
		case <-time.After(10 * time.Second):
		case <-b.t.Context().Done():
			return
		}
		b.do(func() {
			for _, q := range b.folder.questions {
				answer := job.Answer{Job: q.Job, Attempt: q.Attempt, At: time.Now()}
				for _, run := range b.provider.runs {
					if !b.store.owns(run.id) {
						answer.Inference = run.id
					}
				}
				b.folder.answers = append(b.folder.answers, answer)
			}
		})
	}
}

// owns reports whether a run is a job's own.
func (s *memoryStore) owns(run string) bool {
	_, owned := s.ours[run]
	return owned
}

// A provider that answers with the images themselves and keeps none.
func TestProviderThatAnswersAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("all goes well", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := atOnce(t)
			b.provider.replies = []reply{{end: ending{images: 3}}}
			p := b.start(nil).watch().feed()
			b.over()
			p.stop()
			if got, want := b.store.went(refOf(b.jobs[0])), way(sent, collected); !slices.Equal(got, want) {
				t.Errorf("the job went\n%v, want\n%v", got, want)
			}
			if images := len(b.folder.results[0].Images); images != 3 {
				t.Errorf("%d images are stored, want 3", images)
			}
			b.judge(0)
		})
	})
	t.Run("bucket full for a time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := atOnce(t)
			b.folder.refuse = slices.Repeat([]error{errFull}, 4)
			p := b.start(nil).watch().feed()
			b.over()
			p.stop()
			if len(p.stuck) != 4 {
				t.Errorf("people are told %d times, want 4", len(p.stuck))
			}
			b.judge(0)
		})
	})
	// A process that is killed before the images are stored loses what only it had. What
	// may have been accepted is not sent again unless a person says so.
	killed(t, atOnce, func(b *bed) {
		if runs := len(b.provider.runs); runs > 1 || len(b.folder.resultsOf(b.jobs[0].ID)) != 1 || b.admission.spent > price || len(b.admission.held) > 0 {
			b.t.Errorf("%d runs, results %v, %s CU spent, held are %v", runs, b.folder.results, b.admission.spent, b.admission.held)
		}
		if result := b.folder.results[0]; len(b.folder.images) == 0 && (result.State != job.Failed || result.Hint == "") {
			b.t.Errorf("the images are lost, and the result is %+v", result)
		}
	})
}

func atOnce(t *testing.T) *bed {
	b := newBed(t, 1)
	b.provider.abilities = abilities{atOnce: true}
	return b
}

// A provider that lists no runs: what became of a lost request is a person's decision,
// and is asked for by all that it may be.
func TestProviderThatCannotBeListed(t *testing.T) {
	t.Parallel()
	unlisted := func(t *testing.T) *bed {
		b := newBed(t, 1)
		b.provider.abilities = abilities{}
		return b
	}
	for name, taken := range map[string]bool{"accepted": true, "not accepted": false} {
		t.Run("reply lost, "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := unlisted(t)
				b.provider.replies = []reply{{err: errLost, taken: taken}}
				p := b.start(nil).watch().feed()
				b.await("a person is asked", func() bool { return len(b.folder.questions) > 0 })
				time.Sleep(time.Hour)
				b.do(func() {
					if open := b.folder.questions; len(open) != 1 || len(open[0].Candidates) != 0 || b.provider.sent != 1 {
						t.Errorf("asked is %+v, %d were sent", open, b.provider.sent)
					}
				})
				go b.person()
				b.over()
				p.stop()
				b.judge(0)
			})
		})
	}
	killed(t, unlisted, func(b *bed) { b.judge(0) })
}

// killed kills a process at each point of a job's life; another goes on, and a person
// answers what is asked.
func killed(t *testing.T, begin func(t *testing.T) *bed, judge func(*bed)) {
	t.Helper()
	var calls []string
	synctest.Test(t, func(t *testing.T) {
		b := begin(t)
		p := b.start(nil).watch().feed()
		b.over()
		b.do(func() { calls = slices.Clone(p.calls) })
		p.stop()
	})
	for _, call := range calls {
		for _, kind := range []trapKind{killedBefore, killedAfter} {
			t.Run(string(kind)+" "+call, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := begin(t)
					go b.person()
					// A watcher that looks at the moment in which a job ends makes calls that it
					// does not make each time.
					spring(b, &trap{call: call, kind: kind, sprung: make(chan struct{})})
					judge(b)
				})
			})
		}
	}
}
