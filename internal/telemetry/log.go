package telemetry

import (
	"io"
	"log/slog"

	"nightshift/internal/text"
)

// The formats of logs.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// NewLogger returns a logger that writes one line a record, as JSON or else as text.
// A warning that comes again within 30 seconds is counted instead of written, unless
// level lets debug messages through: then everything is.
func NewLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	var handler slog.Handler = slog.NewTextHandler(w, options)
	if format == FormatJSON {
		handler = slog.NewJSONHandler(w, options)
	}
	if level > slog.LevelDebug {
		handler = countRepeats(handler)
	}
	return slog.New(handler)
}

// readable writes durations as "1m30s" in JSON too, where they would be nanoseconds, and of
// links nothing that may be secret.
func readable(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindDuration:
		a.Value = slog.StringValue(a.Value.Duration().String())
	case slog.KindString:
		a.Value = slog.StringValue(text.HideSecrets(a.Value.String()))
	case slog.KindAny:
		if err, is := a.Value.Any().(error); is {
			a.Value = slog.StringValue(text.HideSecrets(err.Error()))
		}
	}
	return a
}
