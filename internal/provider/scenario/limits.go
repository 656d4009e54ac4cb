package scenario

import (
	"cmp"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
)

const (
	parallelAction  = "parallel-custom-jobs"
	planLimitName   = "PlanLimitReachedError"
	cooldownName    = "RateLimitError"
	modelPlanName   = "ModelAccessRestrictedError"
	defaultCooldown = 60 * time.Second    // where a cooldown does not say how long
	maxCooldown     = 31 * 24 * time.Hour // the longest period that limits are counted over
)

// limit tells the four 429s apart.
//
// Scenario API: the reason text is the same for all plan limits, and class names
// are not documented, so details.actionName decides, the name only where there is
// no action. limitScope says whose allowance it is, the team's unless it says
// otherwise. What tells how long to wait is a cooldown, whatever it is about: the
// time ends it. What has none of these is the request rate.
func (r *refusal) limit() error {
	details := r.body.Details.Value
	limit := &job.LimitError{
		Action: details.ActionName.Value,
		Scope:  details.LimitScope.Value,
		Detail: r.words,
	}
	wait := r.cooldown()
	switch {
	case wait > 0:
		limit.Limit, limit.After = job.LimitCooldown, wait
	case limit.Action == parallelAction && zero(details.ActionLimit):
		limit.Limit, limit.NoneAllowed = job.LimitAllowance, true
		limit.Scope = cmp.Or(limit.Scope, job.ScopeTeam)
		return &job.HintedError{Err: limit, Hint: noneAllowed}
	case limit.Action == parallelAction:
		limit.Limit = job.LimitParallel
		limit.Ceiling = whole(details.ActionLimit) // 0 where it is not said
	case limit.Action != "" || r.body.Name.Value == planLimitName:
		limit.Limit = job.LimitAllowance
		limit.Scope = cmp.Or(limit.Scope, job.ScopeTeam)
	case r.body.Name.Value == cooldownName || r.body.CooldownSeconds.Known || details.CooldownSeconds.Known:
		limit.Limit, limit.After = job.LimitCooldown, defaultCooldown
	default:
		limit.Limit = job.LimitRate
		limit.After = retryAfter(r.header)
	}
	return limit
}

const noneAllowed = "The plan of the API key's team lets no job run; use a key of another team, or ask for another plan."

// cooldown is how long the refusal says to wait, 0 where it says no such thing.
// Where nobody tells the remaining time, the whole length of the cooldown is long
// enough; trying earlier only repeats the refusal. A header alone tells none: any
// gateway may send it with any refusal.
func (r *refusal) cooldown() time.Duration {
	details := r.body.Details.Value
	remaining := cmp.Or(seconds(r.body.RemainingSeconds.Value.String()), seconds(details.RemainingSeconds.Value.String()))
	length := max(seconds(r.body.CooldownSeconds.Value.String()), seconds(details.CooldownSeconds.Value.String()))
	words := waitInWords(r.words)
	if remaining+length+words == 0 && r.body.Name.Value != cooldownName {
		return 0
	}
	return cmp.Or(remaining, retryAfter(r.header), words, length)
}

// retryAfter reads the headers that ask to wait; 0 where there are none. A date is
// by the provider's clock, and so is that of the reply.
func retryAfter(header http.Header) time.Duration {
	if wait := span(header.Get("Retry-After-Ms"), time.Millisecond); wait > 0 {
		return wait
	}
	text := header.Get("Retry-After")
	if at, err := http.ParseTime(text); err == nil {
		now, err := http.ParseTime(header.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		return min(max(at.Sub(now), 0), maxCooldown)
	}
	return seconds(text)
}

var (
	waitWords = regexp.MustCompile(`(?i)\b(?:wait|again (?:in|after))\D{0,20}(\d{1,7}(?:\.\d+)?)\s*(s|m|h)(?:ecs?|econds?|ins?|inutes?|ours?)?\b`)
	waitUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}
)

// waitInWords finds "wait 2321 seconds" or "try again in 5 minutes"; 0 where the
// words say no such thing.
func waitInWords(words string) time.Duration {
	found := waitWords.FindStringSubmatch(words)
	if found == nil {
		return 0
	}
	return span(found[1], waitUnits[strings.ToLower(found[2])])
}

// seconds reads a number of seconds, as span does.
func seconds(text string) time.Duration { return span(text, time.Second) }

// span reads a number of units, up to maxCooldown; 0 where it is none.
func span(text string, unit time.Duration) time.Duration {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !(number > 0) {
		return 0
	}
	return time.Duration(min(number*float64(unit), float64(maxCooldown)))
}
