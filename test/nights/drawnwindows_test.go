package nights

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"nightshift/internal/manifest"
	"nightshift/internal/simulator"
)

// Windows: a batch sends its jobs in the hours that its manifest names. One opens some time
// after the night has begun, or closes before all is sent, until a person takes it away.
var _ = register(capability{name: "window", counts: []string{"window: closed"}, draw: drawWindows})

func drawWindows(r *rand.Rand, s *script) *part {
	if r.IntN(6) > 0 {
		return nil
	}
	i := r.IntN(len(s.batches))
	begins := s.begins + time.Minute*time.Duration(r.IntN(4))
	ends := begins + time.Minute*time.Duration(1+r.IntN(3))
	zone := []string{"UTC", "Asia/Kathmandu", "America/New_York"}[r.IntN(3)]
	hours := inZone(begins, zone) + "-" + inZone(ends, zone)
	b := &s.batches[i]
	line := fmt.Sprintf("window: {hours: %q, timezone: %s}", hours, zone)
	b.more = append(b.more, line)
	var lifted time.Time
	return &part{
		tells: fmt.Sprintf("%s runs from %s to %s after midnight: %s", b.name, begins, ends, line),
		begin: func(n *drawnNight) {
			n.excuse(n.began, midnight(n.began).Add(begins))
			n.excuse(midnight(n.began).Add(ends), n.began.Add(n.script.length))
		},
		calm: func(n *drawnNight) {
			lifted = time.Now()
			n.batches[i].drawn.more = without(n.batches[i].drawn.more, line)
			n.batches[i].write(n.batches[i].drawn.manifest())
			if b := n.batches[i]; b.submitted && !b.cancelled {
				if b.run != nil && b.run.running() {
					b.run.interrupt() // it has read the manifest of before
				}
				n.submit(b)
				if b.short && n.command("cancel", b.manifest.Batch()).code == exitDone { // it would wait for a day
					b.cancelled = true
				}
			}
		},
		judge: func(n *drawnNight, ledger []simulator.Entry) {
			n.judgeWindow(n.batches[i], hours, zone, lifted, ledger)
		},
	}
}

// judgeWindow: nothing of a batch is sent outside of its hours, but for what was granted
// before they ended.
func (n *drawnNight) judgeWindow(b *nightBatch, hours, zone string, lifted time.Time, ledger []simulator.Entry) {
	n.t.Helper()
	window, err := manifest.ParseWindow(hours, zone)
	if err != nil {
		n.t.Fatal(err)
	}
	ours := make(map[string]bool)
	for _, j := range b.asked {
		ours[content(j.Model, j.Inputs)] = true
	}
	for _, e := range ledger {
		if !ours[content(e.Model, e.Input)] || !e.Accepted.Before(lifted) {
			continue
		}
		sent := e.Accepted.Add(-n.lag())
		if closes := window.Closes(sent); window.Next(e.Accepted).After(e.Accepted) && closes.After(e.Accepted) {
			n.fail("nothing is sent outside of a window", n.asker(e), "%s of %s was accepted at %s; the window is %s", e.JobID, b.drawn.name, e.Accepted.Format(time.TimeOnly), window)
		}
	}
	if time.Now().After(window.Closes(n.began)) && lifted.After(window.Closes(n.began)) {
		strikes.add("window: closed")
	}
}

// midnight is the one, UTC, before the night began.
func midnight(began time.Time) time.Time { return began.UTC().Truncate(24 * time.Hour) }

// inZone writes a time after midnight, UTC, of a day in winter as clocks of a zone show it.
func inZone(after time.Duration, zone string) string {
	location, err := time.LoadLocation(zone)
	if err != nil {
		panic(err) // a zone that is named here
	}
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(after).In(location).Format("15:04")
}

func without(lines []string, line string) []string {
	return strings.Split(strings.Trim(strings.Replace("\n"+strings.Join(lines, "\n")+"\n", "\n"+line+"\n", "\n", 1), "\n"), "\n")
}
