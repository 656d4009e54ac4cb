package worker

import (
	"context"
	"time"
)

// hearingMost is how long a steward waits until every worker has heard what is wanted
// of a batch: twice as long as it takes one that was not told.
const hearingMost = 2 * roundTick

// hearing is how far what is wanted of a batch has got around.
type hearing struct {
	what  string
	since time.Time // it was asked for
	all   time.Time // since when everybody has heard it; zero if not
}

// everybodyKnows reports whether every worker that lives has heard what is wanted of
// the batch, and what they were doing at that moment is over.
//
// A handler that stands at the gate with a job that was withdrawn may still be granted
// a slot. It gives nothing back, since the job may be another handler's by then. Such
// grants are given back by who ends the order, and none may come after that: a slot
// would be lost. A worker that has heard asks for no more.
func (s *steward) everybodyKnows(ctx context.Context, held *heldBatch) (bool, error) {
	now := time.Now()
	if s.heard.what != held.knows() {
		s.heard = hearing{what: held.knows(), since: now}
	}
	beats, err := s.fleet.Workers(ctx)
	if err != nil {
		return false, err
	}
	for _, beat := range beats {
		known, holds := beat.Knows[s.batch]
		if holds && known != s.heard.what && beat.Worker != s.name {
			s.heard.all = time.Time{}
			return now.Sub(s.heard.since) >= hearingMost, nil
		}
	}
	if s.heard.all.IsZero() {
		s.heard.all = now
	}
	return now.Sub(s.heard.all) >= stewardTick, nil
}
