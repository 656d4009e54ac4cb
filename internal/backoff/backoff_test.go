package backoff_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/backoff"
	"nightshift/internal/job"
)

func TestAfter(t *testing.T) {
	t.Parallel()
	policy := backoff.Policy{First: time.Second, Longest: 10 * time.Second}
	for failures, want := range map[int]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 8 * time.Second, 5: 10 * time.Second,
		60: 10 * time.Second, math.MaxInt: 10 * time.Second,
	} {
		least, most := time.Hour, time.Duration(0)
		for range 1000 {
			got := policy.After(failures)
			least, most = min(least, got), max(most, got)
		}
		if least < want/2 || most > want || least > want*6/10 || most < want*9/10 {
			t.Errorf("after %d failures from %s to %s, want the upper half of %s", failures, least, most, want)
		}
	}
	if got := (backoff.Policy{First: time.Minute, Longest: time.Second}).After(1); got > time.Second {
		t.Errorf("%s is longer than the longest", got)
	}
}

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := backoff.Sleep(t.Context(), time.Hour); err != nil || time.Since(start) != time.Hour {
			t.Errorf("slept for %s: %v", time.Since(start), err)
		}
		ended := errors.New("ended")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(ended) })
		start = time.Now()
		if err := backoff.Sleep(ctx, time.Hour); !errors.Is(err, ended) || time.Since(start) != time.Minute {
			t.Errorf("slept for %s: %v", time.Since(start), err)
		}
	})
}

func TestUntilGranted(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	for _, test := range []struct {
		answers []error
		want    error
		took    time.Duration
	}{
		{[]error{nil}, nil, 0},
		{[]error{&job.PostponedError{After: time.Second}, fmt.Errorf("wrapped: %w", &job.PostponedError{After: time.Minute}), nil}, nil, 61 * time.Second},
		{[]error{&job.PostponedError{After: time.Second}, refused}, refused, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, asked := time.Now(), 0
			err := backoff.UntilGranted(t.Context(), func(context.Context) error {
				asked++
				return test.answers[asked-1]
			})
			if !errors.Is(err, test.want) || asked != len(test.answers) || time.Since(start) != test.took {
				t.Errorf("asked %d times in %s: %v", asked, time.Since(start), err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := backoff.UntilGranted(ctx, func(context.Context) error { return &job.PostponedError{After: time.Second} })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the end of its context: %v", err)
		}
	})
}
