package progress

import (
	"fmt"
	"math"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
	"nightshift/internal/wait"
)

// words says what is waited for: "request rate used up until 14:03:10 (in 12s)".
// Without countdown the text stays the same while time goes by. It is "" if
// nothing is waited for.
func (w Wait) words(now time.Time, countdown bool) string {
	if w.Reason == "" {
		return ""
	}
	words := wait.Of(w.Reason)
	line := words.Says
	if words.Until && w.Until.After(now) {
		line += " until " + text.Clock(w.Until, now)
		if countdown {
			line += " (in " + text.Span(w.Until.Sub(now)) + ")"
		}
	}
	if detail := text.Clean(w.Detail, text.Long); words.Detail && detail != "" {
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
