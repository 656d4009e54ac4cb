package job

import "time"

// EntryEvent is what happened to a reservation.
type EntryEvent string

// The events of the spend journal.
const (
	EntryReserve EntryEvent = "reserve" // CU are set aside before a request is sent
	EntryAdopt   EntryEvent = "adopt"   // CU are set aside for a run that exists already
	EntrySettle  EntryEvent = "settle"  // the bill takes the reservation's place
	EntryRelease EntryEvent = "release" // the reservation is given back: nothing was spent
)

// Entry is one line of the spend journal of a batch. Entries are never changed.
type Entry struct {
	// Place orders the entries of a batch: milliseconds and a number, "1763990000000-0".
	Place   string     `json:"place"`
	At      time.Time  `json:"at"` // by the clock of Redis
	Event   EntryEvent `json:"event"`
	Batch   string     `json:"batch"`
	Job     ID         `json:"job"`
	Attempt int        `json:"attempt"`
	APIKey  string     `json:"apiKey"`
	Project string     `json:"project,omitempty"`
	Team    string     `json:"team,omitempty"`
	// Reserved is what is set aside (reserve, adopt) or given back (settle, release).
	Reserved CU `json:"reserved"`
	// Billed and Refunded are those of a settle; their difference is spent.
	Billed   CU `json:"billed,omitempty"`
	Refunded CU `json:"refunded,omitempty"`
}

// Spent is what the entry adds to the CU spent.
func (e Entry) Spent() CU { return e.Billed - e.Refunded }

// Held is what the entry adds to the CU reserved; negative where it gives back.
func (e Entry) Held() CU {
	switch e.Event {
	case EntryReserve, EntryAdopt:
		return e.Reserved
	default:
		return -e.Reserved
	}
}
