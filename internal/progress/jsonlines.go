package progress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"nightshift/internal/job"
)

// jsonLines writes one JSON object a line; doc.go says what is in them.
type jsonLines struct {
	out   io.Writer
	quiet bool
	pulse pulse
}

func newJSONLines(out io.Writer, s Style) *jsonLines {
	return &jsonLines{out: out, quiet: s.Quiet, pulse: pulse{every: s.every()}}
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

// escapeInvisible escapes the invisible characters of a JSON text; they can only
// stand within its strings.
func escapeInvisible(text string) string {
	var safe []byte
	for _, r := range text {
		if unicode.IsPrint(r) || r > 0xffff {
			safe = append(safe, string(r)...)
			continue
		}
		safe = fmt.Appendf(safe, `\u%04x`, r)
	}
	return string(safe)
}

type progressJSON struct {
	Type        string     `json:"type"`
	Time        time.Time  `json:"time"`
	Phase       Phase      `json:"phase"`
	Note        string     `json:"note,omitempty"`
	Batch       string     `json:"batch"`
	Mode        job.Mode   `json:"mode"`
	Jobs        jobsJSON   `json:"jobs"`
	Images      imagesJSON `json:"images"`
	Waiting     *waitJSON  `json:"waiting,omitempty"`
	CU          cuJSON     `json:"cu"`
	Requests    int64      `json:"requests"`
	Started     time.Time  `json:"started,omitzero"`
	SecondsLeft *float64   `json:"secondsLeft,omitempty"`
}

type jobsJSON struct {
	Total     int `json:"total"`
	Kept      int `json:"kept"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Running   int `json:"running"`
	Queued    int `json:"queued"`
	Unknown   int `json:"unknown"`
	Storing   int `json:"storing"`
}

type imagesJSON struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

type waitJSON struct {
	Reason job.WaitReason `json:"reason"`
	Until  time.Time      `json:"until,omitzero"`
	Detail string         `json:"detail,omitempty"`
}

type cuJSON struct {
	Spent    job.CU  `json:"spent"`
	Reserved job.CU  `json:"reserved"`
	Cap      *job.CU `json:"cap,omitempty"`
}

func progressLine(m *moment) progressJSON {
	line := progressJSON{
		Type: "progress", Time: stamp(m.now), Phase: m.Phase, Note: m.Note, Batch: m.Batch, Mode: m.Mode,
		Jobs: jobsJSON(m.Jobs), Images: imagesJSON(m.Images), CU: cuJSON(m.CU),
		Requests: m.Requests, Started: stamp(m.Started),
	}
	if m.Waiting.Reason != "" {
		wait := waitJSON(m.Waiting)
		wait.Until = stamp(wait.Until)
		line.Waiting = &wait
	}
	if m.leftKnown {
		seconds := m.left.Round(time.Second).Seconds()
		line.SecondsLeft = &seconds
	}
	return line
}
