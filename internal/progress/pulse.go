package progress

import "time"

// linesEvery is the least time between lines on a pipe.
const linesEvery = 5 * time.Second

// pulse decides when a line is due: at a change of phase at once, otherwise when
// something has changed and the last line is old enough, and in any case before
// the silence is too long.
type pulse struct {
	last  time.Time
	phase Phase
	facts string
}

// beats reports whether a line with these facts is due, and if so notes it as
// written.
func (p *pulse) beats(now time.Time, phase Phase, facts string, last bool) bool {
	silent := now.Sub(p.last)
	changed := facts != p.facts
	switch {
	case phase != p.phase, last && changed, changed && silent >= linesEvery, silent >= signOfLife:
		p.last, p.phase, p.facts = now, phase, facts
		return true
	}
	return false
}
