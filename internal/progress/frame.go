package progress

import (
	"fmt"
	"math"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

const (
	separator   = " · "
	narrow      = 60  // below, the figures of the bar get a line of their own
	wide        = 100 // from here, there is room for more
	leastBar    = 10
	waitLines   = 2 // that what is waited for may take
	bottomSpare = 1 // the cursor stands below the frame
)

// frame is the live view of one moment: lines that fit into columns and, if rows
// is not 0, into that many rows of the terminal. What matters least is left out
// first.
func frame(m *moment, columns, rows int, b brush, last bool) []string {
	width := max(columns-1, leastBar) // a full line would wrap on some terminals
	lines := []string{headline(m, width, b)}
	if m.Images.Total > 0 {
		lines = append(lines, barLines(m, width, b, last)...)
	}
	if !last {
		lines = append(lines, details(m, width, b)...)
	}
	if rows > 0 && len(lines) > rows-bottomSpare {
		lines = lines[:max(rows-bottomSpare, 1)]
	}
	return lines
}

// headline names the batch, what it is busy with and since when.
func headline(m *moment, width int, b brush) string {
	name := text.Clean(m.Batch, text.Short)
	if m.Mode == job.Test {
		name += " (test)"
	}
	phase := m.Phase.words()
	since := ""
	if !m.Started.IsZero() {
		since = text.Span(m.now.Sub(m.Started))
	}
	room := width - columns(phase) - columns(since) - 4
	name = cut(name, max(room, 0))
	line := strings.TrimSpace(name + "  " + phase)
	if name == "" || columns(line)+columns(since)+2 > width {
		return b.paint(bold, cut(line, width))
	}
	gap := strings.Repeat(" ", width-columns(line)-columns(since))
	return b.paint(bold, name) + "  " + b.paint(phasePaint(m.Phase), phase) + gap + b.paint(faint, since)
}

func phasePaint(p Phase) paint {
	switch p {
	case Stopping, Waiting, Paused, Cancelling:
		return yellow
	case Done:
		return green
	default:
		return cyan
	}
}

// barLines are the bar and its figures, in one line if there is room.
func barLines(m *moment, width int, b brush, last bool) []string {
	done, total := text.Number(m.Images.Done), text.Number(m.Images.Total)
	part := percent(m.Images.Done, m.Images.Total)
	left, room := "", 0
	if m.Phase == Running && !last {
		left, room = timeLeft(m, width)
	}
	if width < narrow {
		return []string{bar(m, width, b), apart(done+"/"+total+"  "+part, left, width, b, plain, bold)}
	}
	figures := fmt.Sprintf("  %*s of %s  %4s", len(total), done, text.Count(m.Images.Total, "image"), part)
	if room > 0 {
		figures += strings.Repeat(" ", 2+room-columns(left))
	}
	return []string{bar(m, width-columns(figures)-columns(left), b) + figures + b.paint(bold, left)}
}

// timeLeft says how long it takes and, where there is room, until when; and how
// wide that can become, so that the bar does not change its length with it.
func timeLeft(m *moment, width int) (line string, room int) {
	room = len("about 23h 50m left")
	switch {
	case !m.leftKnown() && width >= narrow:
		line = "time left unknown"
	case !m.leftKnown():
		line = "— left"
	default:
		line = text.About(m.Left) + " left"
	}
	if width < wide {
		return line, room
	}
	if m.leftKnown() && m.Left >= time.Minute {
		line += ", until " + m.now.Add(m.Left).Local().Format("15:04")
	}
	return line, room + len(", until 15:04")
}

// bar shows how much of the images is there.
func bar(m *moment, width int, b brush) string {
	width = max(width, 0)
	share := min(1, float64(m.Images.Done)/float64(m.Images.Total))
	filled := int(math.Round(share * float64(width)))
	return b.paint(green, strings.Repeat("━", filled)) + b.paint(faint, strings.Repeat("─", width-filled))
}

// details are the counts of jobs, the money, and what is waited for.
func details(m *moment, width int, b brush) []string {
	counts := m.counts()
	if m.Pace > 0 {
		counts = append(counts, item{paceWords(m.Pace), faint})
	}
	lines := flow(counts, separator, width, b)
	money := m.money()
	if m.inTheEnd() != "" {
		money = append(money, item{m.inTheEnd(), faint})
	}
	if width >= wide && m.Requests > 0 {
		money = append(money, item{text.Count(int(m.Requests), "request"), faint})
	}
	lines = append(lines, flow(money, separator, width, b)...)
	for _, line := range wrap(m.waiting(true), width, waitLines) {
		lines = append(lines, b.paint(yellow, line))
	}
	return lines
}
