package progress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// jsonLines writes one JSON object a line; doc.go says what is in them.
type jsonLines struct {
	out   io.Writer
	quiet bool
	pulse pulse
}

func (l *jsonLines) show(m moment, last bool) {
	if l.quiet {
		return
	}
	facts := fmt.Sprintf("%s %d %s", m.facts(), m.Requests, m.Waiting.Detail)
	if l.pulse.beats(m.now, m.Phase, facts, last) {
		l.write(progressLine(&m))
	}
}

func (l *jsonLines) stored(now time.Time, r *job.Result) {
	if l.quiet && r.State != job.Failed {
		return
	}
	l.write(struct {
		Type   string      `json:"type"`
		Time   time.Time   `json:"time"`
		Result *job.Result `json:"result"`
	}{"result", stamp(now), r})
}

func (l *jsonLines) message(now time.Time, text string) {
	l.write(struct {
		Type string    `json:"type"`
		Time time.Time `json:"time"`
		Text string    `json:"text"`
	}{"message", stamp(now), text})
}

func (l *jsonLines) close() {}

// write drops what out refuses, as [Start] says.
func (l *jsonLines) write(line any) { _ = writeJSON(l.out, line) }

// writeJSON writes a value as one line, in which no control character is left:
// encoding/json keeps those beyond ASCII, which some terminals obey.
func writeJSON(out io.Writer, value any) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("encode progress: %w", err)
	}
	if _, err := io.WriteString(out, escapeInvisible(strings.TrimSuffix(line.String(), "\n"))+"\n"); err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	return nil
}

// stamp is a time as it is written: in UTC and whole milliseconds. A time that is
// not set stays so.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// escapeInvisible is a line of JSON in which every character can be seen.
func escapeInvisible(line string) string { return text.EscapeInvisible(line) }

type progressJSON struct {
	Type string    `json:"type"`
	Time time.Time `json:"time"`
	Snapshot
	SecondsLeft *float64 `json:"secondsLeft,omitempty"`
}

func progressLine(m *moment) progressJSON {
	line := progressJSON{Type: "progress", Time: stamp(m.now), Snapshot: m.Snapshot}
	line.Started, line.Waiting.Until = stamp(m.Started), stamp(m.Waiting.Until)
	if m.leftKnown() {
		seconds := m.Left.Round(time.Second).Seconds()
		line.SecondsLeft = &seconds
	}
	return line
}
