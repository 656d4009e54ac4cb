package plan

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

// answers replies to calls with errors in turn, and then with success.
type answers struct {
	errs  []error
	calls int
}

func (a *answers) call(context.Context) error {
	a.calls++
	if a.calls > len(a.errs) {
		return nil
	}
	return a.errs[a.calls-1]
}

func TestCallerRepeatsOnlyWhatHelps(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection refused")
	busy := &job.LimitError{Limit: job.LimitRate}
	paused := &job.LimitError{Limit: job.LimitCooldown, After: 45 * time.Minute}
	repeat := func(err error, times int) []error {
		errs := make([]error, times)
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	tests := []struct {
		name  string
		errs  []error
		want  error
		calls int
	}{
		{name: "success", calls: 1},
		{name: "transient", errs: repeat(broken, 4), calls: 5},
		{name: "transient for too long", errs: repeat(broken, 9), want: broken, calls: 5},
		{name: "request rate", errs: repeat(busy, 19), calls: 20},
		{name: "request rate for too long", errs: repeat(busy, 30), want: busy, calls: 20},
		{name: "cooldown", errs: repeat(paused, 30), calls: 31},
		{name: "invalid", errs: []error{job.ErrInvalid}, want: job.ErrInvalid, calls: 1},
		{name: "not found", errs: []error{job.ErrNotFound}, want: job.ErrNotFound, calls: 1},
		{name: "allowance", errs: []error{&job.LimitError{Limit: job.LimitAllowance}}, want: &job.LimitError{Limit: job.LimitAllowance}, calls: 1},
		{name: "access", errs: []error{&job.AccessError{Access: job.AccessKey}}, want: &job.AccessError{Access: job.AccessKey}, calls: 1},
		{name: "paid", errs: repeat(&job.PaidDryRunError{Inference: "job_1"}, 9), want: &job.PaidDryRunError{Inference: "job_1"}, calls: 1},
		{name: "rejected", errs: []error{&job.RejectedError{Reason: "no"}}, want: &job.RejectedError{Reason: "no"}, calls: 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &answers{errs: test.errs}
				err := (&caller{}).do(t.Context(), source.call)
				if source.calls != test.calls {
					t.Errorf("%d calls, want %d", source.calls, test.calls)
				}
				if got, want := kindOf(err), kindOf(test.want); got != want {
					t.Errorf("error %v, want the kind of %v", err, test.want)
				}
			})
		})
	}
}

// kindOf is the innermost error's text.
func kindOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestCallerSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	type wait struct {
		Reason job.WaitReason
		For    time.Duration
	}
	synctest.Test(t, func(t *testing.T) {
		var waits []wait
		c := &caller{waiting: func(reason job.WaitReason, after time.Duration) { waits = append(waits, wait{reason, after}) }}
		source := &answers{errs: []error{
			&job.LimitError{Limit: job.LimitCooldown, After: 2321 * time.Second},
			&job.LimitError{Limit: job.LimitCooldown},
			&job.LimitError{Limit: job.LimitRate, After: time.Minute},
		}}
		started := time.Now()
		if err := c.do(t.Context(), source.call); err != nil {
			t.Fatal(err)
		}
		want := []wait{
			{job.WaitCooldown, 2321 * time.Second},
			{job.WaitCooldown, usualCooldown},
			{job.WaitRequestRate, time.Minute},
		}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
		if took, want := time.Since(started), (2321+60+60)*time.Second; took != want {
			t.Errorf("waited %s, want %s", took, want)
		}
	})
}

func TestCallerStopsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		source := &answers{errs: []error{&job.LimitError{Limit: job.LimitCooldown, After: time.Hour}}}
		if err := (&caller{}).do(ctx, source.call); !errors.Is(err, stop) {
			t.Errorf("error %v, want %v", err, stop)
		}
	})
}

func TestCallerEndsCallsThatHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		err := (&caller{}).do(t.Context(), func(ctx context.Context) error {
			calls++
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || calls != callAttempts {
			t.Errorf("%d calls and %v, want %d and a deadline", calls, err, callAttempts)
		}
	})
}

func TestCallerPacesEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		places := 0
		c := &caller{pace: func(context.Context) error { places++; return nil }}
		source := &answers{errs: []error{errors.New("reset"), errors.New("reset")}}
		if err := c.do(t.Context(), source.call); err != nil {
			t.Fatal(err)
		}
		if places != 3 {
			t.Errorf("%d places in the request rate for 3 attempts", places)
		}
	})
}
