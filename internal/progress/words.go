package progress

import (
	"fmt"
	"math"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// waitWords says each reason to a person. A detail is left out where it would
// only repeat the time, a time where something else ends the wait.
var waitWords = map[job.WaitReason]struct {
	text          string
	until, detail bool
}{
	job.WaitRequestRate: {text: "request rate used up", until: true},
	job.WaitParallel:    {text: "waiting for a free slot", detail: true},
	job.WaitKeyCU:       {text: "the key's CU cap is reached", until: true, detail: true},
	job.WaitProjectCU:   {text: "the project's CU cap is reached", until: true, detail: true},
	job.WaitTeamCU:      {text: "the team's CU cap is reached", until: true, detail: true},
	job.WaitBatchCU:     {text: "the batch's budget is reached", detail: true},
	job.WaitCooldown:    {text: "cooldown", until: true},
	job.WaitAllowance:   {text: "the plan's allowance is used up", until: true, detail: true},
	job.WaitQuarantine:  {text: "the API key was refused", detail: true},
	job.WaitBackoff:     {text: "pausing after failures", until: true, detail: true},
	job.WaitUnknown:     {text: "looking up what became of a lost reply", until: true, detail: true},
	job.WaitStorage:     {text: "the bucket takes no images", until: true, detail: true},
	job.WaitWindow:      {text: "outside the batch's window", until: true, detail: true},
	job.WaitDecision:    {text: "waiting for your decision", detail: true},
	job.WaitNoKey:       {text: "waiting for an API key", detail: true},
	job.WaitRecovery:    {text: "restoring what Redis lost"},
	job.WaitPaused:      {text: "the batch is paused", detail: true},
}

// words says what is waited for: "request rate used up until 14:03:10 (in 12s)".
// Without countdown the text stays the same while time goes by. It is "" if
// nothing is waited for.
func (w Wait) words(now time.Time, countdown bool) string {
	if w.Reason == "" {
		return ""
	}
	known, ok := waitWords[w.Reason]
	if !ok {
		known.text = "waiting: " + text.Clean(strings.ReplaceAll(string(w.Reason), "_", " "), text.Short)
		known.until, known.detail = true, true
	}
	line := known.text
	if known.until && w.Until.After(now) {
		line += " until " + text.Clock(w.Until, now)
		if countdown {
			line += " (in " + text.Span(w.Until.Sub(now)) + ")"
		}
	}
	if detail := text.Clean(w.Detail, text.Long); known.detail && detail != "" {
		line += ": " + detail
	}
	return line
}

// amount writes CU with their thousands apart.
func amount(cu job.CU) string { return text.Thousands(cu.String()) }

// percent is the whole part, so that 100% means all.
func percent(done, total int) string {
	if total <= 0 {
		return ""
	}
	return fmt.Sprintf("%d%%", min(done, total)*100/total)
}

// whole rounds an estimated amount, which has no thousandths.
func whole(cu job.CU) job.CU { return (cu + job.OneCU/2) / job.OneCU * job.OneCU }

// paceWords is a pace in images a second, by the minute or, if slow, the hour.
func paceWords(pace float64) string {
	if perMinute := pace * 60; perMinute >= 1 {
		return text.Count(int(math.Round(perMinute)), "image") + "/min"
	}
	return text.Count(max(1, int(math.Round(pace*3600))), "image") + "/h"
}
