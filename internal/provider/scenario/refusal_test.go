package scenario

import (
	stdcmp "cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

// kind is what a caller can see of an error.
type kind struct {
	Invalid, NotFound, Unknown, Hint bool
	Access                           *job.AccessError
	Limit                            *job.LimitError
}

func kindOf(err error) kind {
	seen := kind{
		Invalid:  errors.Is(err, job.ErrInvalid),
		NotFound: errors.Is(err, job.ErrNotFound),
		Unknown:  unknown(err),
		Hint:     job.Hint(err) != "",
	}
	seen.Access, _ = errors.AsType[*job.AccessError](err)
	seen.Limit, _ = errors.AsType[*job.LimitError](err)
	return seen
}

const planWords = "You have reached your plan's limit. Please upgrade your plan to continue using this feature."

// Refusals as they were seen on the real API, and neighbours of them.
var refusals = []struct {
	name   string
	status int
	header http.Header
	body   string
	run    kind // to a dry run
	submit kind // to a submission; empty means the same
	read   kind // to a look-up; empty means the same
	words  string
}{
	{
		name: "input missing", status: 400, body: `{"reason": "Input prompt is required", "trace_id": "1-abc"}`,
		run: kind{Invalid: true}, read: kind{Invalid: true}, words: "Input prompt is required (trace 1-abc)",
	},
	{
		name: "number below its minimum", status: 400, body: `{"reason": "Input width must be at least 672"}`,
		run: kind{Invalid: true}, read: kind{Invalid: true}, words: "Input width must be at least 672",
	},
	{
		name: "model that cannot run", status: 400, body: `{"reason": "Custom models only are supported for this endpoint"}`,
		run: kind{Invalid: true}, read: kind{Invalid: true}, words: "Custom models only",
	},
	{
		name: "images missing", status: 400, body: `{"reason": "Input images is required"}`,
		run: kind{Invalid: true}, words: "Input images is required",
	},
	{
		name: "model without that route", status: 400, body: `{"reason": "Standalone models are not supported for this endpoint"}`,
		run: kind{Invalid: true}, words: "Standalone models are not supported",
	},
	{
		name: "cancelling a generation", status: 400, body: `{"reason": "Cannot cancel this type of job. Action not permitted."}`,
		run: kind{Invalid: true}, words: "Cannot cancel this type of job",
	},
	{
		name: "format unknown", status: 400, body: `{"reason": "Invalid target format"}`,
		run: kind{Invalid: true}, words: "Invalid target format",
	},
	{
		name: "not processable", status: 422, body: `{"detail": "seed is not a number"}`,
		run: kind{Invalid: true}, submit: kind{Unknown: true}, read: kind{Invalid: true}, words: "seed is not a number",
	},
	{
		name: "documented shape", status: 400, body: `{"status": "error", "code": "INVALID_PARAMETER", "message": "The 'prompt' parameter is missing or empty."}`,
		run: kind{Invalid: true}, read: kind{Invalid: true}, words: "The 'prompt' parameter",
	},
	{
		name: "documented shape on an error of the server", status: 503, body: `{"status": "error", "code": "INTERNAL", "message": "Try later"}`,
		submit: kind{Unknown: true}, words: "the API answered 503: Try later",
	},
	{
		name: "quota of the search guide", status: 429, body: `{"error": "Quota exceeded for search", "code": "QUOTA_EXCEEDED"}`,
		run: kind{Limit: &job.LimitError{Limit: job.LimitRate, Detail: "Quota exceeded for search"}}, words: "Quota exceeded for search",
	},
	{
		name: "quota of the search guide as a 403", status: 403, body: `{"error": "Quota exceeded for search", "code": "QUOTA_EXCEEDED"}`,
		run:    kind{Access: &job.AccessError{Access: job.AccessScope, Detail: "Quota exceeded for search"}},
		submit: kind{Unknown: true},
		words:  "Quota exceeded for search",
	},
	{
		name: "model unknown", status: 404, body: `{"reason": "Model model_FIXTUREMISSING0000000000 not found"}`,
		run: kind{Invalid: true}, read: kind{NotFound: true}, words: "Model model_FIXTUREMISSING0000000000 not found",
	},
	{
		name: "no longer available", status: 410, body: `{"reason": "SD 1.5 and SDXL inference is no longer available"}`,
		run: kind{Invalid: true}, read: kind{NotFound: true}, words: "SD 1.5 and SDXL inference",
	},
	{
		name: "404 of something before the API", status: 404, body: "<html><h1>Not Found</h1></html>",
		run: kind{Hint: true}, submit: kind{Unknown: true}, read: kind{Hint: true}, words: "Not Found",
	},
	{
		name: "key refused", status: 401, body: `{"message": "Unauthorized"}`,
		run: kind{Access: &job.AccessError{Access: job.AccessKey, Detail: "Unauthorized"}}, words: "Unauthorized",
	},
	{
		name: "key refused by the gateway", status: 403, body: `{"Message": "User is not authorized"}`,
		header: http.Header{"X-Amzn-Errortype": {"AccessDeniedException"}},
		run:    kind{Access: &job.AccessError{Access: job.AccessKey, Detail: "User is not authorized"}}, words: "User is not",
	},
	{
		name: "beyond the key", status: 403, body: `{"message": "API Keys cannot access protected resources"}`,
		run:   kind{Access: &job.AccessError{Access: job.AccessScope, Detail: "API Keys cannot access protected resources"}},
		words: "API Keys cannot",
	},
	{
		name: "beyond the plan", status: 403,
		body: `{"reason": "You are not allowed to use this model with your plan", "name": "ModelAccessRestrictedError",
			"details": {"currentPlan": "cu-basic", "requiredPlan": "cu-pro-q3-25"}}`,
		run: kind{Access: &job.AccessError{
			Access: job.AccessPlan, RequiredPlan: "cu-pro-q3-25",
			Detail: "You are not allowed to use this model with your plan",
		}},
		words: "needs plan cu-pro-q3-25",
	},
	{
		name: "beyond the plan, the model named and the class not", status: 403,
		body: `{"reason": "Not with your plan", "details": {"currentPlan": "cu-basic", "requiredPlan": "cu-pro-q3-25", "modelId": "model_a"}}`,
		run: kind{Access: &job.AccessError{
			Access: job.AccessPlan, RequiredPlan: "cu-pro-q3-25", Detail: "Not with your plan",
		}},
		words: "needs plan cu-pro-q3-25",
	},
	{
		name: "too many jobs run, no reason and no scope", status: 429,
		body: `{"name": "PlanLimitReachedError", "details": {"actionName": "parallel-custom-jobs", "actionLimit": 5}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitParallel, Action: "parallel-custom-jobs", Ceiling: 5, Detail: "PlanLimitReachedError",
		}},
		words: "parallel",
	},
	{
		name: "allowance used up, no reason and no scope", status: 429,
		body: `{"name": "PlanLimitReachedError", "details": {"actionName": "custom-generation", "actionLimit": 50}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitAllowance, Scope: "team", Action: "custom-generation", Detail: "PlanLimitReachedError",
		}},
		words: "custom-generation",
	},
	{
		name: "too many jobs run", status: 429,
		body: `{"reason": "` + planWords + `", "name": "PlanLimitReachedError",
			"details": {"actionName": "parallel-custom-jobs", "actionLimit": 7, "actionValue": 7, "limitScope": "team"}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitParallel, Action: "parallel-custom-jobs", Scope: "team", Ceiling: 7, Detail: planWords,
		}},
		words: "parallel",
	},
	{
		name: "too many jobs run, class renamed, ceiling unreadable", status: 429,
		body: `{"name": "TooMany", "details": {"actionName": "parallel-custom-jobs", "actionLimit": "the ceiling"}}`,
		run:  kind{Limit: &job.LimitError{Limit: job.LimitParallel, Action: "parallel-custom-jobs", Detail: "TooMany"}}, words: "TooMany",
	},
	{
		name: "allowance used up", status: 429,
		body: `{"reason": "` + planWords + `", "name": "PlanLimitReachedError",
			"details": {"actionName": "custom-generation", "actionLimit": 50, "limitScope": "team"}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitAllowance, Action: "custom-generation", Scope: "team", Detail: planWords,
		}},
		words: "custom-generation",
	},
	{
		name: "training not in the plan", status: 429,
		body: `{"reason": "` + planWords + `", "name": "PlanLimitReachedError",
			"details": {"actionLimit": 0, "actionName": "parallel-training", "actionValue": 0, "limitScope": "team"}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitAllowance, Action: "parallel-training", Scope: "team", Detail: planWords,
		}},
		words: "parallel-training",
	},
	{
		name: "plan limit without an action", status: 429, body: `{"name": "PlanLimitReachedError"}`,
		run: kind{Limit: &job.LimitError{Limit: job.LimitAllowance, Scope: "team", Detail: "PlanLimitReachedError"}}, words: "allowance",
	},
	{
		name: "payment required", status: 402, body: `{"message": "Not enough units", "estimatedCost": 12}`,
		run: kind{Limit: &job.LimitError{Limit: job.LimitAllowance, Scope: "team", Detail: "Not enough units"}}, words: "Not enough units",
	},
	{
		name: "cooldown, remaining time at the top", status: 429,
		body: `{"name": "RateLimitError", "remainingSeconds": 2321, "cooldownSeconds": 2700}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitCooldown, After: 2321 * time.Second, Detail: "RateLimitError",
		}},
		words: "cooldown",
	},
	{
		name: "cooldown, remaining time in the details", status: 429,
		body: `{"reason": "Slow down", "name": "RateLimitError", "details": {"remainingSeconds": 90.5}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitCooldown, After: 90500 * time.Millisecond, Detail: "Slow down",
		}},
		words: "Slow down",
	},
	{
		name: "cooldown, remaining time in a header", status: 429, header: http.Header{"Retry-After": {"300"}},
		body: `{"name": "RateLimitError", "cooldownSeconds": 2700}`,
		run:  kind{Limit: &job.LimitError{Limit: job.LimitCooldown, After: 300 * time.Second, Detail: "RateLimitError"}}, words: "cooldown",
	},
	{
		name: "cooldown, remaining time in milliseconds", status: 429, header: http.Header{"Retry-After-Ms": {"400000"}},
		body: `{"name": "RateLimitError"}`,
		run:  kind{Limit: &job.LimitError{Limit: job.LimitCooldown, After: 400 * time.Second, Detail: "RateLimitError"}}, words: "cooldown",
	},
	{
		name: "cooldown, remaining time in the words", status: 429,
		body: `{"reason": "Please wait 2321 seconds before the next launch", "name": "RateLimitError", "details": {"cooldownSeconds": 2700}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitCooldown, After: 2321 * time.Second, Detail: "Please wait 2321 seconds before the next launch",
		}},
		words: "cooldown",
	},
	{
		name: "cooldown of two days", status: 429, body: `{"name": "RateLimitError", "remainingSeconds": 172801, "cooldownSeconds": 200000}`,
		run: kind{Limit: &job.LimitError{Limit: job.LimitCooldown, After: 172801 * time.Second, Detail: "RateLimitError"}}, words: "cooldown",
	},
	{
		name: "cooldown until a date of the provider's clock", status: 429,
		header: http.Header{"Date": {"Fri, 28 Aug 2020 07:37:09 GMT"}, "Retry-After": {"Fri, 28 Aug 2020 08:15:50 GMT"}},
		body:   `{"name": "RateLimitError"}`,
		run:    kind{Limit: &job.LimitError{Limit: job.LimitCooldown, After: 2321 * time.Second, Detail: "RateLimitError"}}, words: "cooldown",
	},
	{
		name: "cooldown told by its words alone", status: 429, body: `{"message": "Cooling down, wait 2321 seconds."}`,
		run:   kind{Limit: &job.LimitError{Limit: job.LimitCooldown, After: 2321 * time.Second, Detail: "Cooling down, wait 2321 seconds."}},
		words: "wait 2321 seconds",
	},
	{
		name: "cooldown, only its length told", status: 429, body: `{"cooldownSeconds": 2700}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitCooldown, After: 2700 * time.Second, Detail: "status 429 without a reason",
		}},
		words: "cooldown",
	},
	{
		name: "cooldown, its length told in the details", status: 429, body: `{"name": "RateLimitError", "details": {"cooldownSeconds": "2700"}}`,
		run: kind{Limit: &job.LimitError{Limit: job.LimitCooldown, After: 2700 * time.Second, Detail: "RateLimitError"}}, words: "cooldown",
	},
	{
		name: "cooldown that names an action", status: 429,
		body: `{"reason": "Too many launches", "name": "RateLimitError", "remainingSeconds": 2321, "cooldownSeconds": 2700,
			"details": {"actionName": "custom-generation", "limitScope": "team"}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitCooldown, Action: "custom-generation", Scope: "team", After: 2321 * time.Second, Detail: "Too many launches",
		}},
		words: "Too many launches",
	},
	{
		name: "cooldown that names an action, its time in the words", status: 429,
		body: `{"reason": "Wait 90 seconds", "name": "RateLimitError", "details": {"actionName": "parallel-custom-jobs", "actionLimit": 5}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitCooldown, Action: "parallel-custom-jobs", After: 90 * time.Second, Detail: "Wait 90 seconds",
		}},
		words: "Wait 90 seconds",
	},
	{
		name: "cooldown that names an action, its time in a header", status: 429, header: http.Header{"Retry-After": {"300"}},
		body: `{"name": "RateLimitError", "details": {"actionName": "custom-generation"}}`,
		run: kind{Limit: &job.LimitError{
			Limit: job.LimitCooldown, Action: "custom-generation", After: 300 * time.Second, Detail: "RateLimitError",
		}},
		words: "cooldown",
	},
	{
		name: "allowance used up, behind a gateway that always sends the header", status: 429, header: http.Header{"Retry-After": {"1"}},
		body:  `{"name": "PlanLimitReachedError", "details": {"actionName": "custom-generation", "remainingSeconds": 0, "cooldownSeconds": 0}}`,
		run:   kind{Limit: &job.LimitError{Limit: job.LimitAllowance, Scope: "team", Action: "custom-generation", Detail: "PlanLimitReachedError"}},
		words: "allowance",
	},
	{
		name: "no job may run", status: 429,
		body: `{"name": "PlanLimitReachedError", "details": {"actionName": "parallel-custom-jobs", "actionLimit": 0, "limitScope": "team"}}`,
		run: kind{Hint: true, Limit: &job.LimitError{
			Limit: job.LimitAllowance, Action: "parallel-custom-jobs", Scope: "team", NoneAllowed: true, Detail: "PlanLimitReachedError",
		}},
		words: "no job may run at all",
	},
	{
		name: "too many jobs run, ceiling null", status: 429,
		body:  `{"name": "PlanLimitReachedError", "details": {"actionName": "parallel-custom-jobs", "actionLimit": null}}`,
		run:   kind{Limit: &job.LimitError{Limit: job.LimitParallel, Action: "parallel-custom-jobs", Detail: "PlanLimitReachedError"}},
		words: "parallel",
	},
	{
		name: "too many jobs run, ceiling below zero", status: 429,
		body:  `{"name": "PlanLimitReachedError", "details": {"actionName": "parallel-custom-jobs", "actionLimit": -1}}`,
		run:   kind{Limit: &job.LimitError{Limit: job.LimitParallel, Action: "parallel-custom-jobs", Detail: "PlanLimitReachedError"}},
		words: "parallel",
	},
	{
		name: "cooldown, nothing told", status: 429, body: `{"name": "RateLimitError", "remainingSeconds": -4}`,
		run: kind{Limit: &job.LimitError{Limit: job.LimitCooldown, After: 60 * time.Second, Detail: "RateLimitError"}}, words: "cooldown",
	},
	{
		name: "request rate", status: 429, body: `{"message": "Too Many Requests"}`,
		run: kind{Limit: &job.LimitError{Limit: job.LimitRate, Detail: "Too Many Requests"}}, words: "rate",
	},
	{
		name: "request rate, told by a page", status: 429, header: http.Header{"Retry-After": {"7"}}, body: "<b>slow</b> down",
		run: kind{Limit: &job.LimitError{Limit: job.LimitRate, After: 7 * time.Second, Detail: "slow down"}}, submit: kind{Unknown: true}, words: "slow down",
	},
	{
		name: "a refusal nobody foresaw", status: 409, body: `{"error": {"message": "conflict"}}`,
		run: kind{}, submit: kind{Unknown: true}, words: `{"message": "conflict"}`,
	},
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				maps.Copy(w.Header(), test.header)
				answer(test.status, test.body)(w, r)
			})
			client := newClient(t, server.URL)
			_, submitErr := client.Submit(t.Context(), time.Time{}, testRequest)
			_, dryErr := client.Quote(t.Context(), testRequest)
			_, readErr := client.Inference(t.Context(), "job_1")

			want := []kind{stdcmp.Or(test.submit, test.run), test.run, stdcmp.Or(test.read, test.run)}
			got := []kind{kindOf(submitErr), kindOf(dryErr), kindOf(readErr)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("submit, dry run, read (-want +got):\n%s", diff)
			}
			for _, err := range []error{submitErr, dryErr, readErr} {
				if !strings.Contains(err.Error(), test.words) {
					t.Errorf("%q does not say %q", err, test.words)
				}
			}
		})
	}
}

func TestErrorsNameTheOperation(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(400, `{"reason": "no"}`)).URL)
	_, submitErr := client.Submit(t.Context(), time.Time{}, job.Request{Model: "model_a", Inputs: testInputs})
	_, dryErr := client.Quote(t.Context(), job.Request{Model: "model_b", Inputs: testInputs})
	_, modelErr := client.Model(t.Context(), "model_c")
	_, jobErr := client.Inference(t.Context(), "job_d")
	_, _, jobsErr := client.Inferences(t.Context(), "", 10)
	_, assetErr := client.Asset(t.Context(), "asset_e")
	_, assetsErr := client.Assets(t.Context(), []string{"asset_f", "asset_g"})
	_, usagesErr := client.Usages(t.Context(), time.Unix(0, 0), time.Unix(3600, 0))
	want := []string{
		`submit inference on model "model_a": invalid request: no`,
		`dry run on model "model_b": invalid request: no`,
		`read model "model_c": invalid request: no`,
		`read inference "job_d": invalid request: no`,
		`list inferences: invalid request: no`,
		`read asset "asset_e": invalid request: no`,
		`read 2 assets: invalid request: no`,
		`read usages from 1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z: invalid request: no`,
	}
	var got []string
	for _, err := range []error{submitErr, dryErr, modelErr, jobErr, jobsErr, assetErr, assetsErr, usagesErr} {
		got = append(got, err.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestRetryAfterDate(t *testing.T) {
	t.Parallel()
	header := http.Header{"Retry-After": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}
	if got := retryAfter(header); got < 59*time.Minute || got > time.Hour {
		t.Errorf("an hour from now is in %s", got)
	}
}

func TestWaitInWords(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]time.Duration{
		"Please wait 2321 seconds":         2321 * time.Second,
		"try again in 5 minutes":           5 * time.Minute,
		"Try again after about 2h":         2 * time.Hour,
		"wait for 1.5 s":                   1500 * time.Millisecond,
		"wait 500ms":                       0,
		"wait for 3 other jobs":            0,
		"wait 5 months":                    0,
		"20 seconds have passed":           0,
		"wait until 40 percent of it runs": 0,
		"wait 9999999 hours":               maxCooldown,
	} {
		if got := waitInWords(words); got != want {
			t.Errorf("%q: %s, want %s", words, got, want)
		}
	}
}

// A paid request that something in front of the API refuses may be accepted all the same.
func TestOnlyTheAPIRefusesAPaidRequest(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"page": "<html><h1>Blocked</h1></html>", "text": "blocked", "nothing": "", "list": `[]`, "word": `"blocked"`, "null": `null`, "number": `403`,
		"object": `{}`, "other JSON": `{"error": "blocked"}`, "nested": `{"error": {"message": "blocked"}}`, "flag": `{"ok": false}`,
		"a reason that is no text": `{"reason": {"policy": "x"}}`, "status of a cluster": `{"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403}`,
		"a code that is a number": `{"status": "error", "code": "404", "message": "no"}`, "another gateway's message": `{"message": "API rate limit exceeded"}`,
		"more than a message": `{"message": "blocked", "ray": "8c1f"}`, "empty reason": `{"reason": ""}`, "cut": `{"reason": "Input pro`,
		"accepted all the same": `{"reason": "late", "job": {"jobId": "job_1"}}`, "a page of problem details": `{"type": "about:blank", "title": "Forbidden", "detail": "no"}`,
	}
	for _, status := range []int{400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 414, 418, 421, 422, 425, 428, 429, 431, 451, 499} {
		for name, body := range bodies {
			refused := readRefusal(&reply{status: status, body: []byte(body), header: http.Header{}}, strings.TrimSpace)
			if refused.proven() {
				t.Errorf("%d with %s proves that nothing was accepted", status, name)
			}
		}
		whole := readRefusal(&reply{status: status, body: []byte(`{"reason": "Input prompt is required"}`), header: http.Header{}}, strings.TrimSpace)
		if documented := slices.Contains(apiRefusals, status); whole.proven() != documented {
			t.Errorf("%d of the API itself proves it: %t, want %t", status, whole.proven(), documented)
		}
	}
}
