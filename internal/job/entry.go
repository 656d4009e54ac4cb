package job

import (
	"cmp"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

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
	// Life names the life of Redis that wrote the entry: a Redis that lost its
	// data begins another. Places are in order within one life only.
	Life string `json:"life"`
	// Place orders the entries of a batch within a life: milliseconds and a
	// number, "1763990000000-0", both compared as numbers.
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
	// Charged is the moment to which the spend of a settle counts, which decides
	// the day and the month of its caps; zero means At.
	Charged time.Time `json:"charged,omitzero"`
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

// charged is the moment to which the entry's spend counts.
func (e Entry) charged() time.Time {
	if e.Charged.IsZero() {
		return e.At
	}
	return e.Charged
}

// Check returns an error wrapping [ErrInvalid] for an entry that no journal can
// hold: of an unknown event, without a name or a place, or with amounts that make
// no sense.
func (e Entry) Check() error {
	switch e.Event {
	case EntryReserve, EntryAdopt, EntrySettle, EntryRelease:
	default:
		return fmt.Errorf("%w: a journal has no event %q", ErrInvalid, e.Event)
	}
	if e.Life == "" || e.Batch == "" || e.Job == "" || e.Attempt < 1 {
		return fmt.Errorf("%w: a journal's entry names life, batch, job and attempt, not %q, %q, %q and %d",
			ErrInvalid, e.Life, e.Batch, e.Job, e.Attempt)
	}
	if _, _, ok := parsePlace(e.Place); !ok {
		return fmt.Errorf("%w: %q is no place in a journal", ErrInvalid, e.Place)
	}
	if e.Reserved < 0 || e.Billed < 0 || e.Refunded < 0 || e.Refunded > e.Billed {
		return fmt.Errorf("%w: %s CU reserved, %s billed and %s refunded make no sense", ErrInvalid, e.Reserved, e.Billed, e.Refunded)
	}
	return nil
}

// Places says up to where a journal was seen: the last place by batch and life.
type Places map[string]map[string]string

// Advance reports whether the entry comes after all that were seen of its life and
// batch, and if so remembers it as the last one. [Entry.Check] must accept it.
func (p Places) Advance(e Entry) bool {
	lives := p[e.Batch]
	if lives == nil {
		lives = map[string]string{}
		p[e.Batch] = lives
	}
	if last, seen := lives[e.Life]; seen && comparePlaces(e.Place, last) <= 0 {
		return false
	}
	lives[e.Life] = e.Place
	return true
}

// Clone returns a copy that advances by itself.
func (p Places) Clone() Places {
	c := make(Places, len(p))
	for batch, lives := range p {
		c[batch] = maps.Clone(lives)
	}
	return c
}

func comparePlaces(a, b string) int {
	aTime, aNumber, _ := parsePlace(a)
	bTime, bNumber, _ := parsePlace(b)
	return cmp.Or(cmp.Compare(aTime, bTime), cmp.Compare(aNumber, bNumber))
}

func parsePlace(text string) (millis, number uint64, ok bool) {
	before, after, _ := strings.Cut(text, "-")
	millis, err := strconv.ParseUint(before, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	number, err = strconv.ParseUint(after, 10, 64)
	return millis, number, err == nil
}
