package nights

import (
	"slices"
	"time"
)

// span is a time in which nothing need be sent.
type span struct{ from, to time.Time }

// aftermath is how long the fleet may need after a trouble until all goes on as before: a
// lost reply that no list explains is looked up for five grace times, and holds its slot.
const aftermath = 5*grace + 30*time.Second

// grace is NIGHTSHIFT_GRACE of nights.
const grace = 40 * time.Second

// leeway is what may pass without a submission besides the time of an inference, which is how
// long all slots may be taken: for the submission to be heard of, and for the lists that
// see an inference end.
const leeway = 45 * time.Second

// excuse notes a time in which nothing need be sent, and what comes after it.
func (n *drawnNight) excuse(from, to time.Time) {
	n.faulty.Lock()
	defer n.faulty.Unlock()
	n.excused = append(n.excused, span{from, to.Add(aftermath)})
}

// judgeGaps: while a job waits that was never sent, nothing but limits and what befell the
// night keeps it waiting.
func (n *drawnNight) judgeGaps() {
	n.t.Helper()
	since := make(map[string]time.Time)
	for _, b := range n.batches {
		for what, at := range b.since {
			if earlier, known := since[what]; !known || at.Before(earlier) {
				since[what] = at
			}
		}
	}
	last := n.began
	for _, e := range n.ledger() {
		what := content(e.Model, e.Input)
		submitted, first := since[what]
		delete(since, what) // what is sent again waits for longer
		from := last
		last = e.Accepted
		if submitted.After(from) {
			from = submitted
		}
		if !first || n.isTheirs(e) || len(n.taken(e, isMade)) > 0 { // what is made of an image waits for it
			continue
		}
		if gap, most := n.unexcused(from, e.Accepted), n.script.slowest+leeway; gap > most {
			n.fail("no gap without a submission", n.asker(e), "%s was accepted %s after the last one, or after it was submitted, of which %s are without a reason; at most it may be %s",
				e.JobID, e.Accepted.Sub(from), gap, most)
		}
	}
}

// unexcused is how much of a time was without a reason to send nothing.
func (n *drawnNight) unexcused(from, to time.Time) time.Duration {
	reasons := slices.Clone(n.excused)
	slices.SortFunc(reasons, func(a, b span) int { return a.from.Compare(b.from) })
	gap := time.Duration(0)
	for _, reason := range reasons {
		if reason.from.After(from) && from.Before(to) {
			end := reason.from
			if end.After(to) {
				end = to
			}
			gap += end.Sub(from)
		}
		if reason.to.After(from) {
			from = reason.to
		}
	}
	return gap + max(0, to.Sub(from))
}
