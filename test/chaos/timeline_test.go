package chaos

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// timeline is what happened in a run, in its order.
type timeline struct {
	mu      sync.Mutex
	started time.Time
	events  []event
	file    *os.File
}

type event struct {
	at   time.Time
	text string
}

func (l *timeline) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := event{time.Now(), fmt.Sprintf(format, args...)}
	l.events = append(l.events, e)
	fmt.Fprintln(l.file, l.line(e))
}

func (l *timeline) line(e event) string {
	return fmt.Sprintf("%8.1fs  %s  %s", e.at.Sub(l.started).Seconds(), e.at.UTC().Format("15:04:05.000"), e.text)
}

// around returns what happened within a time of a moment.
func (l *timeline) around(moment time.Time, within time.Duration) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var text strings.Builder
	for _, e := range l.events {
		if e.at.Sub(moment).Abs() <= within {
			text.WriteString(l.line(e) + "\n")
		}
	}
	return text.String()
}
