package runner_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// What a refused submission teaches, and what becomes of the job.
func TestRefusals(t *testing.T) {
	t.Parallel()
	access := func(a job.Access) error { return &job.AccessError{Access: a, RequiredPlan: "pro", Detail: "no"} }
	cases := map[string]struct {
		err     error
		learned []string
		reason  job.WaitReason // of the wait that follows; "" where the job fails
		endless bool
		within  time.Duration // the wait is at most
		failed  string        // the kind of failure
		answer  runner.Answer
	}{
		"invalid":   {err: &job.ProviderError{Kind: job.ErrInvalid, Words: "width"}, failed: "invalid"},
		"rejected":  {err: &job.RejectedError{Reason: "policy", Hint: "other words"}, failed: "rejected"},
		"transient": {err: errors.New("dial"), reason: job.WaitBackoff, within: 2 * time.Second},
		"parallel": {
			err: &job.LimitError{Limit: job.LimitParallel, Ceiling: 7}, learned: []string{"ceiling of night is 7"},
			reason: job.WaitParallel, within: 2 * time.Second,
		},
		"parallel, no number": {
			err: &job.LimitError{Limit: job.LimitParallel}, learned: []string{"ceiling of night is 0"},
			reason: job.WaitParallel, within: 2 * time.Second,
		},
		"allowance": {
			err: &job.LimitError{Limit: job.LimitAllowance, Scope: job.ScopeTeam}, learned: []string{"team of night rests for allowance"},
			reason: job.WaitAllowance, endless: true, within: 10 * time.Minute,
		},
		"allowance of the project": {
			err: &job.LimitError{Limit: job.LimitAllowance, Scope: "project"}, learned: []string{"night rests for allowance"},
			reason: job.WaitAllowance, endless: true, within: 10 * time.Minute,
		},
		"no job may run": {
			err:     &job.HintedError{Err: &job.LimitError{Limit: job.LimitAllowance, Scope: job.ScopeTeam, NoneAllowed: true}, Hint: "another plan"},
			learned: []string{"team of night rests for allowance"}, reason: job.WaitAllowance, endless: true, within: 10 * time.Minute,
		},
		"cooldown": {
			err: &job.LimitError{Limit: job.LimitCooldown, After: time.Minute}, learned: []string{"night rests for cooldown"},
			reason: job.WaitCooldown, within: time.Minute,
		},
		"rate": {
			err: &job.LimitError{Limit: job.LimitRate, After: 8 * time.Second}, learned: []string{"night rests for request_rate"},
			reason: job.WaitRequestRate, within: 13 * time.Second,
		},
		"key": {
			err: access(job.AccessKey), learned: []string{"night rests for quarantine"},
			reason: job.WaitQuarantine, endless: true, within: time.Minute,
		},
		"scope": {err: access(job.AccessScope), failed: "access"},
		"plan":  {err: access(job.AccessPlan), failed: "access"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				b.provider.replies = []reply{{err: c.err}}
				p := b.start(nil)
				submitOnce(t, b, p, c.reason, func(wait *job.PostponedError) {
					if wait.After > c.within || wait.NeedsOperator != c.endless {
						t.Errorf("it waits %s, endless %t, want at most %s and %t", wait.After, wait.NeedsOperator, c.within, c.endless)
					}
				})
				p.stop()
				if !slices.Equal(b.admission.learned, c.learned) {
					t.Errorf("admission learned %q, want %q", b.admission.learned, c.learned)
				}
				if len(b.admission.held) > 0 || b.admission.spent != 0 {
					t.Errorf("%v is held, %s CU spent, want nothing", b.admission.held, b.admission.spent)
				}
				if !slices.Equal(p.answers, []runner.Answer{runner.TurnedAway}) {
					t.Errorf("the request is told of as %v", p.answers)
				}
				if results := b.folder.results; c.failed != "" && (len(results) != 1 || results[0].Kind != c.failed || results[0].Reason == "" || results[0].Hint == "" && c.failed != "rejected") {
					t.Errorf("results are %+v, want one of kind %q with reason and hint", results, c.failed)
				}
			})
		})
	}
}

// submitOnce runs a submit task that the test made by hand. It ends in a wait for the
// reason, or in nothing.
func submitOnce(t *testing.T, b *bed, p *process, reason job.WaitReason, check func(*job.PostponedError)) {
	t.Helper()
	store := processStore{p}
	if _, err := store.Add(t.Context(), batchName, job.Normal, b.jobs[0]); err != nil {
		t.Fatal(err)
	}
	err := p.Submit(t.Context(), refOf(b.jobs[0]))
	wait, waits := errors.AsType[*job.PostponedError](err)
	switch {
	case !waits && (err != nil || reason != ""):
		t.Errorf("submit = %v, want a wait for %q", err, reason)
	case waits && wait.Reason != reason:
		t.Errorf("it waits for %q, want %q", wait.Reason, reason)
	case waits:
		check(wait)
	}
}

// With another API key the job moves there, and what keeps the first one back is no wait.
func TestRefusedJobsMoveToAnotherKey(t *testing.T) {
	t.Parallel()
	cases := map[string]error{
		"scope":     &job.AccessError{Access: job.AccessScope},
		"plan":      &job.AccessError{Access: job.AccessPlan, RequiredPlan: "pro"},
		"key":       &job.AccessError{Access: job.AccessKey},
		"allowance": &job.LimitError{Limit: job.LimitAllowance},
		"cooldown":  &job.LimitError{Limit: job.LimitCooldown, After: time.Hour},
	}
	for name, refusal := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				b.admission.keys = []string{night, day}
				b.provider.replies = []reply{{err: refusal}}
				began := time.Now()
				p := b.start(nil).watch().feed()
				b.over()
				p.stop()
				if took := time.Since(began); took > time.Minute || b.folder.results[0].APIKey != day {
					t.Errorf("it took %s on %q, want a moment on %q", took, b.folder.results[0].APIKey, day)
				}
				b.judge(0)
			})
		})
	}
}

// A job that admission does not grant waits as an attempt that was not made; one whose
// process stops goes back to the queue.
func TestWaits(t *testing.T) {
	t.Parallel()
	t.Run("postponed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 1)
			b.admission.budget = price - 1
			p := b.start(nil)
			submitOnce(t, b, p, job.WaitBatchCU, func(*job.PostponedError) {})
			if wait := p.WaitOf(batchName); wait == nil || wait.Reason != job.WaitBatchCU {
				t.Errorf("the batch waits for %v", wait)
			}
			p.stop()
			if b.provider.sent > 0 {
				t.Error("it was sent")
			}
		})
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 2)
			b.admission.ceiling = 1
			b.provider.replies = []reply{{}, {}}
			first := b.start(nil).feed()
			b.await("one runs", func() bool { return b.provider.sent == 1 })
			time.Sleep(500 * time.Millisecond) // the other waits for a slot
			first.stop()
			b.do(func() {
				for _, rec := range b.store.records {
					if rec.Attempt != 1 || rec.State == job.Sending || rec.State == job.Unknown {
						t.Errorf("%s is left %s as attempt %d", rec.Ref, rec.State, rec.Attempt)
					}
				}
				b.tasks.giveUp(first, 0)
			})
			second := b.start(nil).watch()
			b.over()
			second.stop()
			b.judge(0)
		})
	})
	t.Run("intent not written", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 1)
			b.folder.noteError = errFull
			p := b.start(nil).watch().feed()
			b.over()
			p.stop()
			if got, want := b.store.went(refOf(b.jobs[0])), way(sent, collected); !slices.Equal(got, want) || len(p.stuck) != 1 {
				t.Errorf("the job went\n%v, want\n%v; told of %v", got, want, p.stuck)
			}
			b.judge(0)
		})
	})
}

// A read that the provider refuses for its rate waits; one whose key it refuses is told
// to people.
func TestRefusedReads(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		err     error
		learned []string
		waits   job.WaitReason
	}{
		"rate":    {err: &job.LimitError{Limit: job.LimitRate}, learned: []string{"night rests for request_rate"}, waits: job.WaitRequestRate},
		"key":     {err: &job.AccessError{Access: job.AccessKey}, learned: []string{"night rests for quarantine"}, waits: job.WaitQuarantine},
		"scope":   {err: &job.AccessError{Access: job.AccessScope}, waits: job.WaitAccess},
		"passing": {err: errors.New("503"), waits: job.WaitBackoff},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				b.provider.refuse = []error{c.err}
				p := b.start(nil).watch().feed()
				waited := job.WaitReason("")
				b.await("the list was asked for", func() bool { return len(b.provider.refuse) == 0 })
				synctest.Wait()
				waited = p.Waits().Reason
				b.over()
				p.stop()
				if waited != c.waits || !slices.Equal(b.admission.learned, c.learned) {
					t.Errorf("it waited for %q and learned %q, want %q and %q", waited, b.admission.learned, c.waits, c.learned)
				}
				b.judge(0)
			})
		})
	}
}
