package progress

import (
	"fmt"
	"io"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// lines writes to a pipe or a file: a line now and then, no escape codes.
type lines struct {
	out   io.Writer
	quiet bool
	pulse pulse
}

func (l *lines) show(m moment, last bool) {
	if l.quiet {
		return
	}
	if facts := m.facts(); l.pulse.beats(m.now, m.Phase, facts, last) {
		l.line(m.now, facts+m.estimates())
	}
}

func (l *lines) stored(now time.Time, r *job.Result) {
	if r.State == job.Failed {
		l.line(now, failedMark+" "+failure(r))
	}
}

func (l *lines) message(_ time.Time, text string) { fmt.Fprintln(l.out, text) }

func (l *lines) close() {}

func (l *lines) line(now time.Time, text string) {
	fmt.Fprintln(l.out, now.Local().Format(time.TimeOnly)+" "+text)
}

// facts says where the run is, without anything that changes by time alone.
func (m *moment) facts() string {
	parts := make([]string, 0, 4)
	if m.Images.Total > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s (%s)",
			text.Number(m.Images.Done), text.Count(m.Images.Total, "image"), percent(m.Images.Done, m.Images.Total)))
	}
	if counts := m.counts(); len(counts) > 0 {
		parts = append(parts, strings.Join(texts(counts), ", "))
	}
	if money := m.money(); len(money) > 0 {
		parts = append(parts, strings.Join(texts(money), ", "))
	}
	if wait := m.waiting(false); wait != "" {
		parts = append(parts, wait)
	}
	head := m.Phase.words()
	if len(parts) == 0 {
		return head
	}
	return head + ": " + strings.Join(parts, "; ")
}

// estimates is what is appended to the facts.
func (m *moment) estimates() string {
	line := ""
	if end := m.inTheEnd(); end != "" {
		line += "; " + end
	}
	if m.leftKnown() {
		line += "; " + text.About(m.Left) + " left"
	}
	return line
}
