package text

import (
	"fmt"
	"strings"
	"time"
)

// Moment is a local time with its date and zone.
func Moment(at time.Time) string { return at.Local().Format("2006-01-02 15:04:05 MST") }

// Clock is the local time of day, with the date if that is not today.
func Clock(at, now time.Time) string {
	at, now = at.Local(), now.Local()
	switch {
	case at.Year() != now.Year():
		return at.Format("2006-01-02 15:04")
	case at.YearDay() != now.YearDay():
		return at.Format("2 Jan 15:04")
	default:
		return at.Format(time.TimeOnly)
	}
}

// Span is an exact duration with two units: "12s", "3m 05s", "2h 10m", "1d 4h".
func Span(d time.Duration) string {
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

// About is a duration as coarse as an estimate is: "about 40s", "about 4m",
// "about 2h 10m".
func About(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "a few seconds"
	case d < 55*time.Second:
		return "about " + Span(roundUp(d, 10*time.Second))
	case d < 10*time.Minute:
		return fmt.Sprintf("about %dm", roundUp(d, time.Minute)/time.Minute)
	case d < time.Hour-5*time.Minute:
		return fmt.Sprintf("about %dm", roundUp(d, 5*time.Minute)/time.Minute)
	case d < 24*time.Hour:
		return "about " + strings.TrimSuffix(Span(roundUp(d, 10*time.Minute)), " 00m")
	default:
		return "about " + strings.TrimSuffix(Span(roundUp(d, time.Hour)), " 0h")
	}
}

// roundUp rounds to the nearest unit, but never down to nothing.
func roundUp(d, unit time.Duration) time.Duration { return max(d.Round(unit), unit) }
