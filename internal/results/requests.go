package results

import (
	"io"
	"iter"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

const (
	// keepEnded is how long the list of what was sent names a request whose result
	// is recorded.
	keepEnded = 5 * time.Minute
	// A list is written anew when it has more lines than shortList and more than
	// wastefulShare times those that are needed, so that a line is copied a third
	// of a time on average.
	shortList     = 2000
	wastefulShare = 4
)

// requests is which lines of the list of what was sent are needed: those of requests
// that are open, and of those that ended a short while ago.
type requests struct {
	byJob  map[job.ID]*request // the last of each job; one before it is over
	over   []overRequest       // those that ended, the first one first
	lines  int                 // in the file
	needed int                 // of those
}

type request struct {
	attempt  int
	intended time.Time // as its first line says, which marks where its lines begin
	lines    int
	kept     int // of them, by the filter
	ended    bool
}

type overRequest struct {
	id      job.ID
	request *request
	at      time.Time
}

// endedRequest is a report that the result of an attempt is recorded.
type endedRequest struct {
	id      job.ID
	attempt int
	at      time.Time
}

func newRequests() *requests { return &requests{byJob: make(map[job.ID]*request)} }

// take notes a line that is in the file.
func (r *requests) take(s job.Submission) {
	r.lines++
	switch s.Event {
	case job.Intended:
		r.drop(s.ID)
		r.byJob[s.ID] = &request{attempt: s.Attempt, intended: s.At, lines: 1}
		r.needed++
	case job.Refused:
		r.drop(s.ID)
	default:
		if known := r.byJob[s.ID]; known != nil {
			known.lines++
			r.needed++
		}
	}
}

func (r *requests) drop(id job.ID) {
	if known := r.byJob[id]; known != nil {
		r.needed -= known.lines
		delete(r.byJob, id)
	}
}

// end notes which requests have ended. A result of an attempt ends those before it
// as well.
func (r *requests) end(ended []endedRequest) {
	for _, e := range ended {
		known := r.byJob[e.id]
		if known == nil || known.ended || known.attempt > e.attempt {
			continue
		}
		known.ended = true
		r.over = append(r.over, overRequest{e.id, known, e.at})
	}
}

// forget drops the requests that ended before a time.
func (r *requests) forget(before time.Time) {
	for len(r.over) > 0 && r.over[0].at.Before(before) {
		if first := r.over[0]; r.byJob[first.id] == first.request {
			r.drop(first.id)
		}
		r.over = r.over[1:]
	}
}

// wasteful reports whether the list should be written anew.
func (r *requests) wasteful() bool {
	return r.lines > shortList && r.lines > wastefulShare*r.needed
}

// filter returns those lines of the list that are needed.
func (r *requests) filter(list iter.Seq2[jsonl.Line[job.Submission], error]) *neededLines {
	for _, each := range r.byJob {
		each.kept = 0
	}
	next, stop := iter.Pull2(list)
	return &neededLines{requests: r, next: next, stop: stop}
}

// filtered notes that the list holds what the filter let through and nothing else.
func (r *requests) filtered() {
	r.needed = 0
	for id, each := range r.byJob {
		if each.lines = each.kept; each.kept == 0 { // its intent was never written
			delete(r.byJob, id)
		}
		r.needed += each.kept
	}
	r.lines = r.needed
}

// keep reports whether the next line of the list is needed: from the intent of the
// last request of its job on. What stands before is of requests that are over.
func (r *requests) keep(s *job.Submission) bool {
	known := r.byJob[s.ID]
	if known == nil || known.kept == 0 && (s.Event != job.Intended || !s.At.Equal(known.intended)) {
		return false
	}
	known.kept++
	return true
}

// neededLines reads the lines that are needed.
type neededLines struct {
	requests *requests
	next     func() (jsonl.Line[job.Submission], error, bool)
	stop     func()
	line     []byte // reused
	rest     []byte // of line, to be read next
}

// Read implements io.Reader.
func (n *neededLines) Read(p []byte) (int, error) {
	for len(n.rest) == 0 {
		line, err, more := n.next()
		if err != nil {
			return 0, err
		}
		if !more {
			return 0, io.EOF
		}
		if n.requests.keep(&line.Value) {
			n.line = append(append(n.line[:0], line.Text...), '\n')
			n.rest = n.line
		}
	}
	count := copy(p, n.rest)
	n.rest = n.rest[count:]
	return count, nil
}
