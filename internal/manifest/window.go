package manifest

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Window is the time of day in which a batch may start jobs. It may pass
// midnight: 22:00-06:00.
type Window struct {
	From, To time.Duration  // since midnight, To exclusive; never equal
	Location *time.Location // UTC unless the manifest names a zone
}

// errZone marks a time zone that is not known.
var errZone = errors.New("unknown time zone")

var errWindow = errors.New("a window is two times of a day such as 22:00-06:00")

// ParseWindow reads "22:00-06:00", with the zone as an IANA name such as
// "Europe/Paris"; "" is UTC. It returns an error that says what is wrong.
func ParseWindow(hours, zone string) (*Window, error) {
	from, to, found := strings.Cut(hours, "-")
	if !found {
		return nil, fmt.Errorf("%w, not %q", errWindow, hours)
	}
	window := &Window{Location: time.UTC}
	for _, part := range []struct {
		text string
		into *time.Duration
	}{{from, &window.From}, {to, &window.To}} {
		clock, err := time.Parse("15:04", strings.TrimSpace(part.text))
		if err != nil {
			return nil, fmt.Errorf("%w, not %q", errWindow, hours)
		}
		*part.into = time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute
	}
	if window.From == window.To {
		return nil, fmt.Errorf("the window %s is empty", hours)
	}
	if zone == "" {
		return window, nil
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("%w %q", errZone, zone)
	}
	window.Location = location
	return window, nil
}

// String writes the window as a manifest does, with its zone.
func (w *Window) String() string {
	clock := func(d time.Duration) string {
		return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
	}
	return clock(w.From) + "-" + clock(w.To) + " " + w.Location.String()
}

// Next is the first time from now on at which a job may start: now itself within
// the window, otherwise the next opening. Days are those of the window's zone, so
// that a change of its clocks moves the opening along.
func (w *Window) Next(now time.Time) time.Time {
	opens, _ := w.around(now)
	if now.Before(opens) {
		return opens
	}
	return now
}

// Closes is when the window closes that is open at a time, or that opens next.
func (w *Window) Closes(now time.Time) time.Time {
	_, closes := w.around(now)
	return closes
}

// around is the window that is open at a time, or else the next one.
func (w *Window) around(now time.Time) (opens, closes time.Time) {
	local := now.In(w.Location)
	year, month, day := local.Date()
	at := func(days int, clock time.Duration) time.Time {
		return time.Date(year, month, day+days, int(clock.Hours()), int(clock.Minutes())%60, 0, 0, w.Location)
	}
	later := 0 // days after it opens
	if w.To < w.From {
		later = 1
	}
	for days := -1; ; days++ {
		if opens, closes = at(days, w.From), at(days+later, w.To); now.Before(closes) {
			return opens, closes
		}
	}
}
