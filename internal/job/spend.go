package job

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// quarter is how fine spend is told apart in time: every time zone's days begin
// on one.
const quarter = 15 * time.Minute

// Spend sums up the entries of the journals of one or more batches. The zero value
// has none; its JSON holds all of it. One goroutine at a time may use it.
//
// Memory: 25 bytes for each attempt that was settled, and little else.
type Spend struct {
	places  Places
	counts  map[EntryEvent]int
	open    map[attemptName]Entry // the entry that holds
	settled map[attemptDigest]struct{}
	slices  map[Slice]CU // by the slice without its CU

	billed, refunded CU
}

// Slice is what was spent with one API key for one batch in a quarter of an hour.
type Slice struct {
	APIKey  string    `json:"apiKey"`
	Project string    `json:"project,omitempty"`
	Team    string    `json:"team,omitempty"`
	Batch   string    `json:"batch"`
	Quarter time.Time `json:"quarter"` // its start, UTC
	CU      CU        `json:"cu"`
}

type attemptName struct {
	batch   string
	job     ID
	attempt int
}

// attemptDigest stands for the name of a settled attempt. With 80 bits, no two
// attempts of any real journal share one by chance.
type attemptDigest [10]byte

func (n attemptName) digest() attemptDigest {
	var few [128]byte // what most names fit in
	text := append(append(few[:0], n.batch...), 0)
	text = append(append(text, n.job...), 0)
	sum := sha256.Sum256(strconv.AppendInt(text, int64(n.attempt), 10))
	return attemptDigest(sum[:len(attemptDigest{})])
}

// Add counts an entry that [Entry.Check] accepts. The entries of one batch are
// added in the order of its journal. One that is not after the last of its life
// and batch was added before, and changes nothing.
//
// An attempt holds what was last reserved or adopted for it until it is settled or
// released. It is settled once, in whatever life of Redis: after that, nothing that
// is reserved, adopted or settled for it counts, because its price is counted.
func (s *Spend) Add(e Entry) {
	s.prepare()
	if !s.places.Advance(e) {
		return
	}
	s.counts[e.Event]++
	name := attemptName{e.Batch, e.Job, e.Attempt}
	switch e.Event {
	case EntryReserve, EntryAdopt:
		if _, over := s.settled[name.digest()]; !over {
			s.open[name] = e
		}
	case EntrySettle:
		delete(s.open, name)
		s.settle(name.digest(), e)
	case EntryRelease:
		delete(s.open, name)
	}
}

func (s *Spend) settle(name attemptDigest, e Entry) {
	if _, over := s.settled[name]; over {
		return
	}
	s.settled[name] = struct{}{}
	s.billed += e.Billed
	s.refunded += e.Refunded
	if spent := e.Spent(); spent != 0 {
		s.slices[Slice{
			APIKey: e.APIKey, Project: e.Project, Team: e.Team, Batch: e.Batch,
			Quarter: e.charged().UTC().Truncate(quarter),
		}] += spent
	}
}

func (s *Spend) prepare() {
	if s.places == nil {
		s.places, s.counts = Places{}, map[EntryEvent]int{}
		s.open, s.slices = map[attemptName]Entry{}, map[Slice]CU{}
		s.settled = map[attemptDigest]struct{}{}
	}
}

// Open returns the entries that hold CU: reservations and adoptions of attempts
// that are neither settled nor released, ordered by batch, job and attempt.
func (s *Spend) Open() []Entry {
	open := make([]Entry, 0, len(s.open))
	for _, e := range s.open {
		open = append(open, e)
	}
	slices.SortFunc(open, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Batch, b.Batch), cmp.Compare(a.Job, b.Job), cmp.Compare(a.Attempt, b.Attempt))
	})
	return open
}

// Slices returns what was spent, ordered by API key, project, team, batch and time.
// Slices in which nothing was spent are left out.
func (s *Spend) Slices() []Slice {
	all := make([]Slice, 0, len(s.slices))
	for slice, spent := range s.slices {
		slice.CU = spent
		all = append(all, slice)
	}
	slices.SortFunc(all, func(a, b Slice) int {
		return cmp.Or(cmp.Compare(a.APIKey, b.APIKey), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Team, b.Team),
			cmp.Compare(a.Batch, b.Batch), a.Quarter.Compare(b.Quarter))
	})
	return all
}

// Total returns the CU that are held, and those of all settled attempts that were
// billed and refunded.
func (s *Spend) Total() (held, billed, refunded CU) {
	for _, e := range s.open {
		held += e.Reserved
	}
	return held, s.billed, s.refunded
}

// Count returns the number of entries of an event, repeated ones left out.
func (s *Spend) Count(event EntryEvent) int { return s.counts[event] }

// Places returns up to where the journals were added.
func (s *Spend) Places() Places { return s.places.Clone() }

// spendState is the JSON of a Spend.
type spendState struct {
	Places   Places             `json:"places"`
	Counts   map[EntryEvent]int `json:"counts"`
	Billed   CU                 `json:"billed"`
	Refunded CU                 `json:"refunded"`
	Open     []Entry            `json:"open"`
	Slices   []Slice            `json:"slices"`
	Settled  []byte             `json:"settled"` // the digests, one behind the other
}

// MarshalJSON writes all that later entries and questions can ask for. Settled
// attempts take 14 bytes each.
func (s *Spend) MarshalJSON() ([]byte, error) {
	state := spendState{
		Places: s.places, Counts: s.counts, Billed: s.billed, Refunded: s.refunded,
		Open: s.Open(), Slices: s.Slices(),
		Settled: make([]byte, 0, len(s.settled)*len(attemptDigest{})),
	}
	for digest := range s.settled {
		state.Settled = append(state.Settled, digest[:]...)
	}
	return json.Marshal(state)
}

// UnmarshalJSON replaces s by what [Spend.MarshalJSON] wrote.
func (s *Spend) UnmarshalJSON(data []byte) error {
	var state spendState
	if err := json.Unmarshal(data, &state); err != nil {
		return err
	}
	const size = len(attemptDigest{})
	if len(state.Settled)%size != 0 {
		return fmt.Errorf("%w: the settled attempts of a spend are cut off", ErrInvalid)
	}
	*s = Spend{}
	s.prepare()
	s.billed, s.refunded = state.Billed, state.Refunded
	maps.Copy(s.places, state.Places)
	maps.Copy(s.counts, state.Counts)
	for _, e := range state.Open {
		s.open[attemptName{e.Batch, e.Job, e.Attempt}] = e
	}
	for _, slice := range state.Slices {
		spent := slice.CU
		slice.CU, slice.Quarter = 0, slice.Quarter.UTC()
		s.slices[slice] = spent
	}
	s.settled = make(map[attemptDigest]struct{}, len(state.Settled)/size)
	for digest := range slices.Chunk(state.Settled, size) {
		s.settled[attemptDigest(digest)] = struct{}{}
	}
	return nil
}

// Settled reports whether the price of an attempt is counted.
func (s *Spend) Settled(batch string, id ID, attempt int) bool {
	_, settled := s.settled[attemptName{batch, id, attempt}.digest()]
	return settled
}
