package config

import "log/slog"

// Secret is a text that must not be seen. It hides itself wherever it is printed,
// logged or encoded; Reveal shows it where it is used.
type Secret string

const hidden = "[secret]"

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (Secret) String() string { return hidden }

// GoString hides the text.
func (Secret) GoString() string { return hidden }

// LogValue hides the text.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the text; without it slog's JSON would print it inside a struct.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
