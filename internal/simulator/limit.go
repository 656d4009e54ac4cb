package simulator

import (
	"math"
	"net/http"
	"time"

	"nightshift/internal/job"
)

// The words of the two refusals for limits. Scenario API: the reason is the same
// for every action of PlanLimitReachedError, so it cannot tell them apart.
const (
	planLimitReason  = "You have reached your plan's limit. Please upgrade your plan to continue using this feature."
	actionParallel   = "parallel-custom-jobs"
	actionGeneration = "custom-generation"
	scopeOfTeam      = "team"
	scopeOfKey       = "key"
)

// planLimit is a PlanLimitReachedError. Scenario API: status 429, no job, nothing
// charged.
func planLimit(action, scope string, limit, value any) *reply {
	return &reply{status: http.StatusTooManyRequests, body: map[string]any{
		"reason": planLimitReason,
		"name":   "PlanLimitReachedError",
		"details": map[string]any{
			"actionName":  action,
			"actionLimit": limit,
			"actionValue": value,
			"limitScope":  scope,
		},
	}}
}

// cooling is a RateLimitError. Scenario API: the name and both numbers were seen;
// that they stand at the top of the body is one client's reading.
func cooling(remaining, whole time.Duration) *reply {
	seconds := int(math.Ceil(remaining.Seconds()))
	refused := reason(http.StatusTooManyRequests, "Too many launches, please wait %d seconds before trying again.", seconds)
	refused.body["name"] = "RateLimitError"
	refused.body["remainingSeconds"] = seconds
	refused.body["cooldownSeconds"] = int(math.Ceil(whole.Seconds()))
	return refused
}

// modelRestricted refuses a model that the key's plan does not include. Scenario
// API: a dry run gets it too.
func modelRestricted(m *model, key *Key) *reply {
	if m.AccessRestrictions <= key.level() {
		return nil
	}
	refused := reason(http.StatusForbidden, "You are not allowed to use this model with your plan")
	refused.body["name"] = "ModelAccessRestrictedError"
	refused.body["details"] = map[string]any{
		"currentPlan": key.Plan, "requiredPlan": planFor(m.AccessRestrictions), "modelId": m.ID,
	}
	return refused
}

// limits refuses a paid request that would pass a limit. The caller holds mu and
// has settled the book. Scenario API: an allowance is decided on the price of the
// request against what is left, so a cheaper one may still pass.
func (b *book) limits(key *Key, cost job.CU, parallel int, now time.Time) *reply {
	team := b.teams[key.Team]
	switch {
	case now.Before(team.cooldown):
		return cooling(team.cooldown.Sub(now), team.cooldownLength)
	case key.CUCap > 0 && b.spent[key.ID]+cost > key.CUCap:
		return planLimit(actionGeneration, scopeOfKey, key.CUCap, b.spent[key.ID])
	case team.allowance > 0 && team.spent+cost > team.allowance:
		return planLimit(actionGeneration, scopeOfTeam, team.allowance, team.spent)
	case parallel != Unlimited && team.running >= parallel:
		return planLimit(actionParallel, scopeOfTeam, parallel, team.running)
	}
	return nil
}
