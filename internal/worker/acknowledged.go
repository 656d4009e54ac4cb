package worker

import (
	"context"
	"time"
)

// acknowledgedLimit is how long a leader waits until every worker has heard what is wanted
// of a batch: twice as long as it takes one that was not told.
const acknowledgedLimit = 2 * roundTick

// acknowledgement is how far what is wanted of a batch has got around.
type acknowledgement struct {
	version string
	since   time.Time // it was asked for
	all     time.Time // since when everybody has heard it; zero if not
}

// acknowledged reports whether every worker that lives has heard what is wanted of
// the batch, and what they were doing at that moment is over.
//
// A handler that stands at the gate with a job that was withdrawn may still be granted
// a slot. It gives nothing back, since the job may be another handler's by then. Such
// grants are given back by who ends the submission, and none may come after that: a slot
// would be lost. A worker that has heard asks for no more.
func (s *leader) acknowledged(ctx context.Context, held *knownBatch) (bool, error) {
	now := time.Now()
	if s.acknowledgement.version != held.version() {
		s.acknowledgement = acknowledgement{version: held.version(), since: now}
	}
	beats, err := s.fleet.Workers(ctx)
	if err != nil {
		return false, err
	}
	for _, beat := range beats {
		known, holds := beat.Versions[s.batch]
		if holds && known != s.acknowledgement.version && beat.Worker != s.name {
			s.acknowledgement.all = time.Time{}
			return now.Sub(s.acknowledgement.since) >= acknowledgedLimit, nil
		}
	}
	if s.acknowledgement.all.IsZero() {
		s.acknowledgement.all = now
	}
	return now.Sub(s.acknowledgement.all) >= leaderTick, nil
}
