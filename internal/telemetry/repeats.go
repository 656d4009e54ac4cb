package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	repeatTime = 30 * time.Second
	forgetTime = time.Hour // a warning that did not come again is forgotten, with its count
)

// quieter counts warnings that come again. Two are equal when they have the same
// message, batch and component, whatever else is beside them. Errors and all
// other levels pass.
type quieter struct {
	slog.Handler
	seen             *seen
	component, batch string
	grouped          bool // attributes belong to a group from here on
}

func countRepeats(h slog.Handler) slog.Handler {
	return &quieter{Handler: h, seen: &seen{warnings: make(map[warning]*repeat)}}
}

// Handle implements slog.Handler.
func (q *quieter) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn || r.Level >= slog.LevelError {
		return q.Handler.Handle(ctx, r)
	}
	named := *q
	r.Attrs(func(a slog.Attr) bool {
		named.take(a)
		return true
	})
	left, pass := q.seen.pass(warning{r.Level, r.Message, named.batch, named.component}, time.Now())
	if !pass {
		return nil
	}
	if left > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int(AttrRepeated, left))
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (q *quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *q
	with.Handler = q.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		with.take(a)
	}
	return &with
}

// WithGroup implements slog.Handler.
func (q *quieter) WithGroup(name string) slog.Handler {
	with := *q
	with.Handler = q.Handler.WithGroup(name)
	with.grouped = q.grouped || name != ""
	return &with
}

func (q *quieter) take(a slog.Attr) {
	switch {
	case q.grouped:
	case a.Key == AttrComponent:
		q.component = a.Value.Resolve().String()
	case a.Key == AttrBatchID:
		q.batch = a.Value.Resolve().String()
	}
}

// warning is what makes two records equal.
type warning struct {
	level                     slog.Level
	message, batch, component string
}

type repeat struct {
	written time.Time
	left    int // left out since then
}

// seen remembers the warnings of one logger and of all that were made from it.
type seen struct {
	mu       sync.Mutex
	warnings map[warning]*repeat
	swept    time.Time
}

// pass reports whether a warning is written, and how many were left out before it.
func (s *seen) pass(w warning, now time.Time) (left int, pass bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	r, known := s.warnings[w]
	switch {
	case !known:
		s.warnings[w] = &repeat{written: now}
		return 0, true
	case now.Sub(r.written) < repeatTime:
		r.left++
		return 0, false
	default:
		left = r.left
		r.written, r.left = now, 0
		return left, true
	}
}

// sweep keeps the memory flat.
func (s *seen) sweep(now time.Time) {
	if now.Sub(s.swept) < repeatTime {
		return
	}
	s.swept = now
	for w, r := range s.warnings {
		if now.Sub(r.written) >= forgetTime {
			delete(s.warnings, w)
		}
	}
}
