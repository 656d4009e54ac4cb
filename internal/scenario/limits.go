package scenario

import (
	"encoding/json"
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
	defaultCooldown = 60 * time.Second // where a cooldown does not say how long
	maxCooldown     = 24 * time.Hour
)

// limit tells the four 429s apart.
//
// Scenario API: the reason text is the same for all plan limits, and class names
// are not documented, so details.actionName decides, the name only where there is
// no action. What has neither, and speaks of no cooldown, is the request rate.
func (r *refusal) limit() error {
	details := r.body.Details.Value
	limit := &job.LimitError{
		Action: details.ActionName.Value,
		Scope:  details.LimitScope.Value,
		Detail: r.words,
	}
	wait, told := r.remaining()
	switch {
	case limit.Action == parallelAction:
		limit.Limit = job.LimitParallel
		limit.Ceiling = whole(details.ActionLimit) // 0 where it is not said
	case limit.Action != "" || r.body.Name.Value == planLimitName:
		limit.Limit = job.LimitAllowance
	case told || r.body.Name.Value == cooldownName:
		limit.Limit = job.LimitCooldown
		limit.After = r.cooldown(wait)
	default:
		limit.Limit = job.LimitRate
		limit.After = max(retryAfter(r.header), waitInWords(r.words))
	}
	return limit
}

// remaining is what the body says of a cooldown; told is whether it says
// anything, be it only how long cooldowns are.
func (r *refusal) remaining() (wait time.Duration, told bool) {
	details := r.body.Details.Value
	for _, number := range []loose[json.Number]{r.body.RemainingSeconds, details.RemainingSeconds} {
		if wait := seconds(number.Value.String()); wait > 0 {
			return wait, true
		}
	}
	return 0, r.body.CooldownSeconds.Known || details.CooldownSeconds.Known
}

// cooldown is how long to wait. Where nobody tells the remaining time, the whole
// length of the cooldown is long enough; trying earlier only repeats the refusal.
func (r *refusal) cooldown(remaining time.Duration) time.Duration {
	length := max(seconds(r.body.CooldownSeconds.Value.String()),
		seconds(r.body.Details.Value.CooldownSeconds.Value.String()))
	for _, wait := range []time.Duration{remaining, retryAfter(r.header), waitInWords(r.words), length} {
		if wait > 0 {
			return wait
		}
	}
	return defaultCooldown
}

// retryAfter reads the headers that ask to wait; 0 where there are none.
func retryAfter(header http.Header) time.Duration {
	if wait := span(header.Get("Retry-After-Ms"), time.Millisecond); wait > 0 {
		return wait
	}
	text := header.Get("Retry-After")
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxCooldown)
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
