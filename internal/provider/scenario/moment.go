package scenario

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// moment is a time of a reply; zero where it is absent or unreadable.
//
// Scenario API: times are written as "2026-08-28T07:37:09.434Z". Other usual forms
// are read too, because an inference whose time is lost cannot be told from those
// that were made before a submission.
type moment struct{ time.Time }

// zones are RFC 3339 with the ways in which ISO 8601 writes a zone.
var zones = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07"}

// UnmarshalJSON never returns an error.
func (m *moment) UnmarshalJSON(data []byte) error {
	var text label
	err := json.Unmarshal(data, &text)
	m.Time = readMoment(string(text)).UTC()
	return err
}

func readMoment(text string) time.Time {
	for _, zone := range zones {
		if at, err := time.Parse(zone, text); err == nil {
			return at
		}
	}
	return unixMoment(text)
}

// unixMoment reads seconds or milliseconds since 1970. They are told apart by their
// size: as seconds, the least that counts as milliseconds is in the year 5138. A
// number below both is no time.
func unixMoment(text string) time.Time {
	const leastSeconds, leastMillis, most = 1e8, 1e11, 1e14
	number, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !(number >= leastSeconds && number < most):
		return time.Time{}
	case number < leastMillis:
		number *= 1000
	}
	return time.UnixMilli(int64(math.Round(number)))
}
