package pool

import (
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// A key that could not read what it pays for lets one job through now and then: only that
// tells a process without anything to read that the key may by now.
func TestALackIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, err := NewKeyring(func(config.APIKey) (provider.Account, error) { return nil, nil }, &config.Keys{}, []config.APIKey{{ID: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		access := &job.ScopeError{Action: job.ReadAssets, Refusal: &job.AccessError{}}
		k.lack("a", job.ReadAssets, access)
		if wait := k.Unread("a"); wait == nil || wait.NeedsOperator || wait.After > firstTrial {
			t.Errorf("after one refusal, which may pass: %v", wait)
		}
		time.Sleep(firstTrial)
		if wait := k.Unread("a"); wait != nil {
			t.Errorf("it is not tried again: %v", wait)
		}
		k.Lacks("a", []*job.ScopeError{access})
		if wait := k.Unread("a"); wait == nil || !wait.NeedsOperator {
			t.Errorf("after many: %v", wait)
		}
		for i, step := range []struct {
			after time.Duration
			lacks bool
		}{{0, true}, {lackTrial / 2, true}, {lackTrial / 2, false}, {0, true}, {lackTrial, false}} {
			time.Sleep(step.after)
			if lacks := k.Unread("a") != nil; lacks != step.lacks {
				t.Errorf("step %d: it lacks something: %t", i, lacks)
			}
		}
	})
}
