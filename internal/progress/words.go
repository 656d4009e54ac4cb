package progress

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
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
		known.text = "waiting: " + clean(strings.ReplaceAll(string(w.Reason), "_", " "), shortText)
		known.until, known.detail = true, true
	}
	text := known.text
	if known.until && w.Until.After(now) {
		text += " until " + clock(w.Until, now)
		if countdown {
			text += " (in " + span(w.Until.Sub(now)) + ")"
		}
	}
	if detail := clean(w.Detail, longText); known.detail && detail != "" {
		text += ": " + detail
	}
	return text
}

// clock is the local time of day, with the date if that is not today.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2 Jan 15:04")
}

// span is an exact duration with two units: "12s", "3m 05s", "2h 10m", "1d 4h".
func span(d time.Duration) string {
	seconds := int64((max(d, 0) + time.Second/2) / time.Second)
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm %02ds", seconds/60, seconds%60)
	case seconds < 24*3600:
		return fmt.Sprintf("%dh %02dm", seconds/3600, seconds/60%60)
	default:
		return fmt.Sprintf("%dd %dh", seconds/86400, seconds/3600%24)
	}
}

// about is a duration as coarse as an estimate is: "about 40s", "about 4m",
// "about 2h 10m".
func about(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "a few seconds"
	case d < 55*time.Second:
		return "about " + span(roundUp(d, 10*time.Second))
	case d < 10*time.Minute:
		return fmt.Sprintf("about %dm", roundUp(d, time.Minute)/time.Minute)
	case d < time.Hour-5*time.Minute:
		return fmt.Sprintf("about %dm", roundUp(d, 5*time.Minute)/time.Minute)
	case d < 24*time.Hour:
		return "about " + strings.TrimSuffix(span(roundUp(d, 10*time.Minute)), " 00m")
	default:
		return "about " + strings.TrimSuffix(span(roundUp(d, time.Hour)), " 0h")
	}
}

// roundUp rounds to the nearest unit, but never down to nothing.
func roundUp(d, unit time.Duration) time.Duration { return max(d.Round(unit), unit) }

// number writes a count with its thousands apart: "1,234,567".
func number(n int) string { return thousands(strconv.Itoa(n)) }

// amount writes CU the same way.
func amount(cu job.CU) string { return thousands(cu.String()) }

func thousands(decimal string) string {
	whole, fraction, _ := strings.Cut(decimal, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}

// counted is a number with its noun: "1 image", "2 images".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

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
		return counted(int(math.Round(perMinute)), "image") + "/min"
	}
	return counted(max(1, int(math.Round(pace*3600))), "image") + "/h"
}
