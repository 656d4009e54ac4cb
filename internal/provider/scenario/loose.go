package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"nightshift/internal/job"
)

// loose is a field of a reply that may be absent, null or of another shape than
// expected; then it is not Known and its Value is zero. Replies are read this way
// because what they carry is paid for: the id of an inference must not be lost to
// a neighbouring field that the provider has changed.
type loose[T any] struct {
	Value T
	Known bool
	Odd   bool // it is there, and of another shape
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
	} else {
		l.Odd = true
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

// zero reports whether a number is there and is 0.
func zero(number loose[json.Number]) bool {
	value, err := strconv.ParseFloat(number.Value.String(), 64)
	return number.Known && err == nil && value == 0
}

// decode reads the reply to a call that succeeded.
func decode[T any](reply *reply) (T, error) {
	var value T
	if err := json.Unmarshal(reply.body, &value); err != nil {
		return value, fmt.Errorf("the reply is not the expected JSON: %w", err)
	}
	return value, nil
}
