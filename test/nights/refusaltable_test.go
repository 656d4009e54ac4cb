package nights

import (
	"time"

	"nightshift/internal/job"
)

// refused is an answer to a submission, and what is to follow. Scenario API: the
// bodies are those that were seen or documented, with numbers where the source has a
// placeholder.
type refused struct {
	name   string
	status int
	body   string
	header []string // names and values by turns

	kind, reason, hint string         // of the job that fails; kind "" if none does
	waits              job.WaitReason // before the job is sent again
	least, most        time.Duration  // how long
	all                bool           // others wait, too
	stops              string         // what the hint says of a run that it stops
}

const planLimit = `{"reason": "You have reached your plan's limit. Please upgrade your plan to continue using this feature.", "name": "PlanLimitReachedError", `

// invalid is a refusal of what was asked for: the job fails with the API's words.
func invalid(status int, words string) refused {
	return refused{
		name: words, status: status, body: `{"reason": "` + words + `"}`,
		kind: "invalid", reason: words, hint: "correct the row",
	}
}

var refusals = []refused{
	invalid(400, "Input images is required"),
	invalid(400, "Input width must be at least 672"),
	invalid(400, "Cannot cancel this type of job. Action not permitted."),
	invalid(400, "Custom models only are supported for this endpoint"),
	invalid(400, "Standalone models are not supported for this endpoint"),
	invalid(410, "SD 1.5 and SDXL inference is no longer available"),
	invalid(404, "Model model_FIXTUREMISSING0000000000 not found"),
	invalid(400, "Invalid target format"),
	{
		name: "with a trace", status: 400, body: `{"reason": "Input prompt is required", "trace_id": "tr-17"}`,
		kind: "invalid", reason: "Input prompt is required (trace tr-17)", hint: "correct the row",
	},
	{
		name: "as documented", status: 400, body: `{"status": "error", "code": "INVALID_PARAMETER", "message": "The 'prompt' parameter is missing or empty."}`,
		kind: "invalid", reason: "The 'prompt' parameter is missing or empty.", hint: "correct the row",
	},
	{
		name: "model above the plan", status: 403, body: `{"reason": "You are not allowed to use this model with your plan",
			"name": "ModelAccessRestrictedError", "details": {"currentPlan": "cu-basic", "requiredPlan": "cu-pro-q3-25"}}`,
		kind: "access", reason: "not allowed to use this model", hint: "needs plan cu-pro-q3-25",
	},
	{
		name: "missing scope", status: 403, body: `{"message": "API Keys cannot access protected resources"}`,
		kind: "access", reason: "API Keys cannot access protected resources", hint: "missing scope",
	},
	{
		name: "too many at once", status: 429, body: planLimit + `"details": {"actionName": "parallel-custom-jobs", "actionLimit": 4}}`,
		waits: job.WaitParallel, least: time.Second, most: 10 * time.Second,
	},
	{
		name: "cooldown in details", status: 429, body: `{"name": "RateLimitError", "details": {"remainingSeconds": 40, "cooldownSeconds": 2700}}`,
		waits: job.WaitCooldown, least: 40 * time.Second, all: true, most: 50 * time.Second,
	},
	{
		name: "cooldown in the header", status: 429, body: `{"name": "RateLimitError", "cooldownSeconds": 2700}`, header: []string{"Retry-After", "35"},
		waits: job.WaitCooldown, least: 35 * time.Second, all: true, most: 45 * time.Second,
	},
	{
		name: "cooldown in words", status: 429, body: `{"reason": "Too many launches, please wait 30 seconds before trying again.", "name": "RateLimitError"}`,
		waits: job.WaitCooldown, least: 30 * time.Second, all: true, most: 40 * time.Second,
	},
	{
		name: "cooldown without a time", status: 429, body: `{"name": "RateLimitError"}`,
		waits: job.WaitCooldown, least: time.Minute, all: true, most: 75 * time.Second,
	},
	{
		name: "request rate", status: 429, body: `{"message": "Too Many Requests"}`,
		waits: job.WaitRequestRate, least: 5 * time.Second, all: true, most: 20 * time.Second,
	},
	{
		name: "a page of something in front of the API", status: 429, body: "<html><body>Slow down</body></html>",
		least: 30 * time.Second, most: time.Minute, // it may have been accepted, and is looked up
	},
	{
		name: "quota", status: 429, body: `{"error": "Quota exceeded for search", "code": "QUOTA_EXCEEDED"}`,
		waits: job.WaitRequestRate, least: 5 * time.Second, all: true, most: 20 * time.Second,
	},
	{
		name: "something in front of the API", status: 404, body: "<html><body>no such host</body></html>",
		least: 30 * time.Second, most: time.Minute,
	},
	{
		name: "allowance of another action", status: 429, body: planLimit + `"details": {"actionLimit": 0, "actionName": "parallel-training", "actionValue": 0, "limitScope": "team"}}`,
		stops: "next billing period",
	},
	{name: "allowance", status: 429, body: planLimit + `"details": {"actionName": "custom-generation", "actionLimit": 50}}`, stops: "next billing period"},
	{name: "none may run", status: 429, body: planLimit + `"details": {"actionName": "parallel-custom-jobs", "actionLimit": 0}}`, stops: "next billing period"},
	{name: "payment required", status: 402, body: `{"message": "Not enough units", "estimatedCost": 2.25}`, stops: "next billing period"},
	{name: "key refused", status: 401, body: `{"message": "Unauthorized"}`, stops: "valid key"},
	{name: "key refused by the gateway", status: 403, body: `{"message": "Forbidden"}`, header: []string{"X-Amzn-Errortype", "AccessDeniedException"}, stops: "valid key"},
}
