package progress

import "time"

// pulse decides when a line is due: at a change of phase at once, otherwise when
// something has changed and the last line is old enough, and in any case before
// the silence is too long.
type pulse struct {
	every time.Duration
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
	case phase != p.phase, last && changed, changed && silent >= p.every, silent >= signOfLife:
		p.last, p.phase, p.facts = now, phase, facts
		return true
	}
	return false
}
