package job_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"nightshift/internal/job"
)

func TestHint(t *testing.T) {
	t.Parallel()
	hinted := &job.HintedError{Err: io.ErrUnexpectedEOF, Hint: "try again"}
	rejected := &job.RejectedError{Reason: "moderation", Hint: "change the prompt"}
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, ""},
		{"plain", io.EOF, ""},
		{"hinted", hinted, "try again"},
		{"hinted within others", fmt.Errorf("plan: %w", fmt.Errorf("look up: %w", hinted)), "try again"},
		{"rejected", rejected, "change the prompt"},
		{"rejected within others", fmt.Errorf("run: %w", rejected), "change the prompt"},
		{"rejected without a hint", &job.RejectedError{Reason: "moderation"}, ""},
		{"joined", errors.Join(io.EOF, rejected), "change the prompt"},
		{"hint about a rejection", &job.HintedError{Err: rejected, Hint: "use another model"}, "use another model"},
		{"the outer of two hints", &job.HintedError{Err: hinted, Hint: "use another key"}, "use another key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := job.Hint(test.err); got != test.want {
				t.Errorf("Hint = %q, want %q", got, test.want)
			}
		})
	}
}

func TestWrappersKeepTheirCause(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&job.HintedError{Err: io.EOF, Hint: "try again"}, &job.UnknownOutcomeError{Err: io.EOF}, &job.ProviderError{Kind: io.EOF, Words: "no"},
	} {
		t.Run(fmt.Sprintf("%T", err), func(t *testing.T) {
			t.Parallel()
			if !errors.Is(fmt.Errorf("submit: %w", err), io.EOF) {
				t.Errorf("%v hides its cause", err)
			}
		})
	}
}

func TestFailuresSayWhatHappened(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want string
	}{
		{&job.RejectedError{Reason: "moderation", Hint: "change the prompt"}, "rejected: moderation"},
		{&job.PostponedError{After: 1500 * time.Millisecond, Reason: job.WaitCooldown}, "postponed for 1.5s: cooldown"},
		{&job.PostponedError{After: time.Second + 7, Reason: job.WaitRequestRate}, "postponed for 1s: request_rate"},
		{
			&job.PostponedError{After: time.Second, Reason: job.WaitParallel, Detail: "7 of 7 running"},
			"postponed for 1s: parallel_ceiling: 7 of 7 running",
		},
		{&job.ProviderError{Kind: job.ErrInvalid, Words: "Input mask is too dark"}, "invalid request: Input mask is too dark"},
		{&job.PaidDryRunError{Model: "m", Inference: "job_1", Cost: 10750, CostKnown: true}, "the dry run started inference job_1, which is PAID (10.75 CU)"},
		{&job.PaidDryRunError{Model: "m"}, "the dry run started an inference without a name, which is PAID"},
		{&job.UnknownOutcomeError{Err: io.EOF}, "outcome unknown: EOF"},
		{&job.LimitError{Limit: job.LimitRate}, "limit reached: rate"},
		{&job.LimitError{Limit: job.LimitParallel, Action: "inference", Ceiling: 7, Detail: "7 of 7 running"}, "limit reached: parallel (inference): 7 of 7 running"},
		{
			&job.LimitError{Limit: job.LimitAllowance, Action: "inference", NoneAllowed: true, Detail: "upgrade your plan"},
			"limit reached: allowance (inference): no job may run at all: upgrade your plan",
		},
		{&job.AccessError{Access: job.AccessKey}, "access refused: key"},
		{&job.AccessError{Access: job.AccessProject, Project: "p", Detail: "no"}, "access refused: project (the API key may not act for project p): no"},
		{
			&job.ScopeError{Action: job.ReadAssets, Scope: "assets.read", Refusal: &job.AccessError{Access: job.AccessScope, Detail: "Forbidden"}},
			"access refused: the API key may not read assets, which needs the scope assets.read: Forbidden",
		},
		{&job.LinkRefusedError{Host: "cdn.test", Why: "10.0.0.1 is a private address"}, "the link to cdn.test is refused: 10.0.0.1 is a private address"},
		{&job.LinkRefusedError{Why: "no"}, "the link is refused: no"},
		{&job.AccessError{Access: job.AccessPlan, RequiredPlan: "pro", Detail: "not yours"}, "access refused: plan (needs plan pro): not yours"},
		{&job.BadImageError{Reason: "cut short", Bytes: 512}, "bad image after 512 bytes: cut short"},
		{&job.HintedError{Err: io.EOF, Hint: "try again"}, "EOF"},
	} {
		t.Run(test.want, func(t *testing.T) {
			t.Parallel()
			if got := test.err.Error(); got != test.want {
				t.Errorf("Error = %q, want %q", got, test.want)
			}
		})
	}
}
