package app

import (
	"context"
	"hash/fnv"
	"io"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// earlierFolder is where images go that were paid for by rows that the manifest
// no longer has.
const earlierFolder = "earlier/"

// leftovers are what earlier processes paid for and did not bring home, and what of
// it came to its end.
type leftovers struct {
	open  map[job.ID]*runner.Open
	noted map[job.ID]sentAttempt // what was sent last
	ended map[job.ID]endedJob
	// attempts are those of jobs that have a result and are to be run again.
	attempts map[job.ID]int
	authors  map[string][]string // what the provider calls API keys
	// received are all inferences that are noted, by when they were made. Attempts that
	// failed and were made again are in no log of results.
	received map[string]time.Time
}

func newLeftovers() *leftovers {
	return &leftovers{
		open: make(map[job.ID]*runner.Open), noted: make(map[job.ID]sentAttempt), attempts: make(map[job.ID]int),
		ended: make(map[job.ID]endedJob), authors: make(map[string][]string), received: make(map[string]time.Time),
	}
}

// sentAttempt is an attempt and when it was last heard of.
type sentAttempt struct {
	number int
	fence  int64
	at     time.Time
}

// after reports whether a line is of an earlier sending.
func (s sentAttempt) after(line job.Submission) bool {
	return s.number > line.Attempt || s.number == line.Attempt && s.fence > line.Fence
}

// endedJob is a paid request whose result is recorded.
type endedJob struct {
	result job.Result
	sent   time.Time
}

// leftovers reads what was sent and has no result, and what has a result whose
// images are not there; before are the keys of earlier runs, nil if there were none.
func (f *folder) leftovers(ctx context.Context, before map[string]world) (*leftovers, error) {
	left := newLeftovers()
	if before == nil {
		return left, nil
	}
	for id, w := range before {
		left.authors[id] = w.Authors
	}
	lost := make(map[job.ID]*runner.Open)
	over := make(outcomes)
	for result, err := range f.ended(ctx) {
		if err != nil {
			return nil, err
		}
		over.note(&result)
		delete(lost, result.Job)
		missing := result.State == job.Succeeded && !f.present(ctx, &result)
		if result.State != job.Succeeded || missing {
			left.attempts[result.Job] = max(left.attempts[result.Job], result.Attempts)
		}
		if result.Inference != "" && (result.Kind == job.KindStorage || missing) {
			lost[result.Job] = &runner.Open{
				Attempt: result.Attempts, APIKey: result.APIKey, Intent: result.Submitted, Made: result.Submitted,
				Inference: result.Inference, Counted: true,
			}
		}
	}
	if err := left.read(ctx, f, over); err != nil {
		return nil, err
	}
	for id, open := range lost {
		if left.open[id] == nil {
			left.open[id] = open
		}
	}
	return left, nil
}

// outcomes are the attempts of jobs that have a result, by a hash of their ids: some
// twenty bytes each, since there can be as many as a batch has jobs.
type outcomes map[uint64]int32

func (o outcomes) note(r *job.Result) {
	at := hashOf(r.Job)
	o[at] = max(o[at], int32(r.Attempts))
}

// last is the last attempt of a job that has a result; 0 if it has none.
func (o outcomes) last(id job.ID) int { return int(o[hashOf(id)]) }

func hashOf(id job.ID) uint64 {
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, string(id)) // a hash takes everything
	return sum.Sum64()
}

// read reads what the batch has sent, and the results of what is not settled in its
// journal. What has a result and is settled is left out: there can be as much of it as
// the batch has jobs.
func (l *leftovers) read(ctx context.Context, f *folder, over outcomes) error {
	spend, err := f.journal.Spend(ctx)
	if err != nil {
		return err
	}
	for line, err := range f.sent.All(ctx) {
		if err != nil {
			return err
		}
		last := over.last(line.ID)
		if line.Attempt > last || !spend.Settled(f.batch, line.ID, last) {
			l.take(line)
			continue
		}
		f.sent.Ended(line.ID, last)
		if line.Event == job.Received && line.Attempt < last {
			l.learn(line) // this one is in no log of results
		}
	}
	if len(l.noted) == 0 {
		return nil
	}
	for result, err := range f.ended(ctx) {
		if err != nil {
			return err
		}
		l.end(result)
	}
	return nil
}

// underWay reports whether anything that was sent has no result. Images that are
// missing are known by their results.
func (l *leftovers) underWay() bool {
	for _, open := range l.open {
		if !open.Counted {
			return true
		}
	}
	return false
}

// take takes a line over. Of several writers, lines of an earlier sending can stand
// behind those of a later one.
func (l *leftovers) take(line job.Submission) {
	if line.Event == job.Received {
		l.learn(line)
	}
	if noted, known := l.noted[line.ID]; known && noted.after(line) {
		return
	}
	switch line.Event {
	case job.Intended:
		l.open[line.ID] = &runner.Open{Job: line.Job, Attempt: line.Attempt, APIKey: line.APIKey, Intent: line.At}
	case job.Received:
		if open := l.open[line.ID]; open != nil {
			open.Inference, open.Made = line.Inference, line.Made
		}
	case job.Refused:
		delete(l.open, line.ID)
	}
	l.noted[line.ID] = sentAttempt{line.Attempt, line.Fence, line.At}
}

// learn notes what a receipt says of the provider.
func (l *leftovers) learn(line job.Submission) {
	l.received[line.Inference] = line.Made
	if !slices.Contains(l.authors[line.APIKey], line.Author) {
		l.authors[line.APIKey] = append(slices.Clone(l.authors[line.APIKey]), line.Author)
	}
}

// end notes a result of a request that was open before it was recorded.
func (l *leftovers) end(result job.Result) {
	noted, known := l.noted[result.Job]
	if !known || result.Attempts < noted.number {
		return
	}
	ended := endedJob{result: result, sent: noted.at}
	if open := l.open[result.Job]; open != nil {
		ended.sent = open.Intent
	}
	l.ended[result.Job] = ended
	delete(l.open, result.Job)
}
