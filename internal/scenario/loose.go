package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"nightshift/internal/job"
)

// loose is a field of a reply that may be absent, null or of another shape than
// expected; then it is not Known and its Value is zero. Replies are read this way
// because what they carry is paid for: the id of an inference must not be lost to
// a neighbouring field that the provider has changed.
type loose[T any] struct {
	Value T
	Known bool
}

// UnmarshalJSON never returns an error.
func (l *loose[T]) UnmarshalJSON(data []byte) error {
	*l = loose[T]{}
	if string(data) == "null" {
		return nil
	}
	var value T
	if json.Unmarshal(data, &value) == nil {
		l.Value, l.Known = value, true
	}
	return nil
}

// prose is text for people. A provider that puts an object where a text should be
// still has its say, as JSON.
type prose string

// UnmarshalJSON never returns an error.
func (p *prose) UnmarshalJSON(data []byte) error {
	var text string
	switch {
	case string(data) == "null":
		*p = ""
	case json.Unmarshal(data, &text) == nil:
		*p = prose(text)
	default:
		*p = prose(bytes.TrimSpace(data))
	}
	return nil
}

// amount reads a number of CU exactly; false where there is none to read.
func amount(number loose[json.Number]) (job.CU, bool) {
	if !number.Known {
		return 0, false
	}
	cu, err := job.ParseCU(number.Value.String())
	return cu, err == nil
}

// whole reads a number as a whole one up to 1<<31; 0 where it is none.
func whole(number loose[json.Number]) int {
	value, err := strconv.ParseFloat(number.Value.String(), 64)
	if !number.Known || err != nil || value < 0 || value > 1<<31 {
		return 0
	}
	return int(value)
}

// moment reads a time of the API ("2026-08-28T07:37:09.434Z"); zero where it is
// absent or unreadable.
func moment(text loose[string]) time.Time {
	at, err := time.Parse(time.RFC3339, text.Value)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// decode reads the reply to a call that succeeded.
func decode[T any](reply *reply) (T, error) {
	var value T
	if err := json.Unmarshal(reply.body, &value); err != nil {
		return value, fmt.Errorf("the reply is not the expected JSON: %w", err)
	}
	return value, nil
}
