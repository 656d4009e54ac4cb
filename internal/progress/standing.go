package progress

import (
	"fmt"
	"io"
	"strings"
	"time"

	"nightshift/internal/text"
)

// BatchStatus is how a batch stands at one moment, for a person who asks.
type BatchStatus struct {
	Snapshot
	Word  string // says the phase in place of its own word; never empty
	Alarm bool   // the word is bad news
	Good  bool   // or good news
	Ended time.Time
	Notes []Note
}

// Note is a sentence about a batch, with a word that says what about.
type Note struct {
	About string
	Text  string
	Alarm bool
}

// Write writes how the batch stands at a time: on a terminal as the live view shows
// it, elsewhere as one line, and below that the notes. It returns the writer's error.
func (s *BatchStatus) Write(out io.Writer, style Style, now time.Time) error {
	page := page{brush: brush(style.Color)}
	m := moment{Snapshot: s.Snapshot, now: now}
	if style.Terminal {
		page.width = style.width()
		lines := frame(&m, page.width, 0, page.brush, false)
		lines[0] = s.headline(&m, max(page.width-1, leastBar), page.brush)
		for _, line := range lines {
			page.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	} else {
		name := text.Clean(m.Batch, text.Short)
		page.WriteString(name + ": " + s.facts(&m) + m.estimates() + "\n")
	}
	for _, note := range s.Notes {
		color := plain
		if note.Alarm {
			color = yellow
		}
		page.field(text.Clean(note.About, labelWidth-1), color, text.Clean(note.Text, text.Any))
	}
	if _, err := io.WriteString(Screen(out, style), page.String()); err != nil {
		return fmt.Errorf("write how batch %s stands: %w", s.Batch, err)
	}
	return nil
}

// headline names the batch, how it stands and since when.
func (s *BatchStatus) headline(m *moment, width int, b brush) string {
	name, word, when := text.Clean(m.Batch, text.Short), text.Clean(s.Word, text.Short), ""
	switch {
	case !s.Ended.IsZero():
		when = text.Clock(s.Ended, m.now)
	case !m.Started.IsZero():
		when = text.Span(m.now.Sub(m.Started))
	}
	color := cyan
	switch {
	case s.Alarm:
		color = yellow
	case s.Good:
		color = green
	}
	room := width - columns(name) - 2
	if columns(word) > room {
		return b.paint(bold, cut(name, max(width-columns(word)-2, leastText))) + "  " + b.paint(color, word)
	}
	gap := room - columns(word) - columns(when)
	if gap < 2 {
		return b.paint(bold, name) + "  " + b.paint(color, word)
	}
	return b.paint(bold, name) + "  " + b.paint(color, word) + strings.Repeat(" ", gap) + b.paint(faint, when)
}

// facts are those of a line, under the standing's own word.
func (s *BatchStatus) facts(m *moment) string {
	return text.Clean(s.Word, text.Short) + strings.TrimPrefix(m.facts(), m.Phase.words())
}

// Table writes rows below a head in columns that fit their longest cell; on a terminal
// the last column is cut where the line would be too long. It returns the writer's
// error.
func Table(out io.Writer, style Style, head []string, rows [][]string) error {
	t := NewTable(out, style, head)
	for _, row := range rows {
		if err := t.Row(row...); err != nil {
			return err
		}
	}
	return t.Flush()
}
