package batch_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"nightshift/internal/job"
)

// A history is a random night of one batch: what its processes write into its logs, with
// kills between any two writes, failures of the storage, and a Redis that is lost.

var historyKeys = []job.Slice{
	{APIKey: "k1", Project: "p1", Team: "t1"}, {APIKey: "k2", Project: "p1", Team: "t2"}, {APIKey: "k3", Project: "p2", Team: "t2"}, {APIKey: "k4"},
}

// written is a line of a log and where it comes to stand.
type written[T any] struct {
	line  T
	clock time.Time // of its writer
}

type stage int

const (
	stageIdle     stage = iota
	stageReserved       // held in Redis, nothing written
	stageIntended       // about to be sent
	stageUnknown        // sent, answer lost
	stageRunning
	stageConcluding // the result is written, Redis does not know it
	stageOver
)

// actor is a job and what Redis knows of it.
type actor struct {
	id      job.ID
	stage   stage
	attempt int
	key     job.Slice
	fence   int64
	quote   job.CU
	intent  time.Time
	run     string // what the provider has made; "" if nothing
	made    time.Time
	again   bool // the images of a run that is paid for are fetched once more
	result  job.Result
	tried   int // attempts that Redis knows to be over since the job was fed
	eBilled job.CU
}

type history struct {
	r      *rand.Rand
	now    time.Time
	clocks []time.Duration // of the writers
	last   []time.Time
	fence  int64
	number int
	actors []*actor

	attempts          []written[job.AttemptLine]
	succeeded, failed []written[job.Result]
	kills             int
}

func newHistory(seed uint64) *history {
	r := rand.New(rand.NewPCG(seed, 11))
	h := &history{r: r, now: time.Date(2026, 3, 4, 20+r.IntN(4), r.IntN(60), 0, 0, time.UTC), fence: 1000}
	for range 1 + r.IntN(3) {
		h.clocks = append(h.clocks, time.Duration(r.IntN(11)-5)*time.Second)
	}
	h.last = make([]time.Time, len(h.clocks))
	for i := range 1 + r.IntN(6) {
		h.actors = append(h.actors, &actor{id: job.ID(fmt.Sprintf("job%d", i)), attempt: 1})
	}
	return h
}

func (h *history) chance(percent int) bool { return h.r.IntN(100) < percent }

// clock is what the clock of a writer shows; it never goes back.
func (h *history) clock() time.Time {
	w := h.r.IntN(len(h.clocks))
	if at := h.now.Add(h.clocks[w]); at.After(h.last[w]) {
		h.last[w] = at
	}
	return h.last[w]
}

func (h *history) note(a *actor, line job.AttemptLine) {
	line.Job, line.Attempt, line.Fence, line.At = a.id, a.attempt, a.fence, h.now
	line.APIKey, line.Project, line.Team = a.key.APIKey, a.key.Project, a.key.Team
	h.attempts = append(h.attempts, written[job.AttemptLine]{line, h.clock()})
}

func (h *history) intend(a *actor) {
	a.intent = h.now
	h.note(a, job.AttemptLine{Event: job.Intended, Quoted: a.quote, Spec: &job.Job{ID: a.id, Row: "r", Model: "m", Inputs: job.Inputs{"prompt": "<p>"}, Outputs: []string{"o.{ext}"}, Quote: a.quote}})
}

func (h *history) receive(a *actor) {
	h.note(a, job.AttemptLine{Event: job.Received, Inference: a.run, ProviderKeyID: "id of " + a.key.APIKey, Made: a.made})
}

// killed reports whether the process dies here; the job is then its successor's.
func (h *history) killed() bool {
	dies := h.chance(12)
	if dies {
		h.kills++
	}
	return dies
}

// step lets something happen.
func (h *history) step() {
	switch h.r.IntN(12) {
	case 0, 1:
		h.now = h.now.Add(time.Duration(h.r.IntN(1200)) * time.Second)
	case 2:
		h.now = h.now.Add(time.Duration(h.r.IntN(4)) * time.Hour)
	default:
		h.now = h.now.Add(time.Duration(h.r.IntN(8000)) * time.Millisecond)
	}
	h.act(h.actors[h.r.IntN(len(h.actors))])
}

func (h *history) act(a *actor) {
	switch a.stage {
	case stageIdle:
		a.key, a.quote, a.again, a.run = historyKeys[h.r.IntN(len(historyKeys))], job.CU(1+h.r.IntN(20))*500, false, ""
		a.stage = stageReserved
		if !h.killed() {
			h.send(a)
		}
	case stageReserved: // the task runs again, on the same grant
		h.send(a)
	case stageIntended: // the process that was sending is gone
		a.stage = stageUnknown
	case stageUnknown:
		h.lookUp(a)
	case stageRunning:
		h.runEnds(a)
	case stageConcluding:
		h.conclude(a)
	case stageOver:
		h.again(a)
	}
}

// send writes the intent, marks the job and sends it.
func (h *history) send(a *actor) {
	h.fence++
	a.fence = h.fence
	switch {
	case h.chance(6): // the storage takes nothing; whether the line is there is not known
		if h.chance(50) {
			h.intend(a)
		}
		a.stage = stageIdle
		return
	case h.chance(7): // another handler has the job meanwhile, and its line may come first
		h.fence++
		older := *a
		a.fence = h.fence
		if h.chance(50) {
			h.intend(a)
			h.intend(&older)
		} else {
			h.intend(&older)
			h.intend(a)
		}
	default:
		h.intend(a)
	}
	if h.chance(4) { // killed before the mark: the task runs again, on the same grant
		a.stage = stageReserved
		return
	}
	if h.chance(3) { // withdrawn by a person
		h.note(a, job.AttemptLine{Event: job.Refused})
		a.stage = stageIdle
		return
	}
	a.stage = stageIntended
	h.fence++ // the mark
	a.fence = h.fence
	if h.killed() {
		h.accept(a, 50)
		return
	}
	switch h.r.IntN(10) {
	case 0, 1: // refused
		if h.killed() { // found in sending, it is looked up, and nothing is found
			a.stage = stageUnknown
			return
		}
		h.note(a, job.AttemptLine{Event: job.Refused})
		a.stage = stageIdle
		if h.chance(15) { // for its content: it fails, and nothing is paid
			h.finish(a, job.Failed, 0, 0, false)
		}
	case 2, 3: // the answer is lost
		h.accept(a, 60)
		a.stage = stageUnknown
	default:
		h.accept(a, 100)
		a.stage = stageRunning
		if !h.killed() && !h.chance(4) {
			h.receive(a)
		}
	}
}

// accept lets the provider make a run, or not.
func (h *history) accept(a *actor, percent int) {
	if h.chance(percent) {
		h.number++
		a.run, a.made = fmt.Sprint("run", h.number), h.now.Add(time.Second)
	}
}

// lookUp adopts the run of a lost answer, or sends again what was never accepted.
func (h *history) lookUp(a *actor) {
	if a.run != "" {
		a.stage = stageRunning
		if !h.killed() {
			h.receive(a)
		}
		return
	}
	h.fence++
	a.fence = h.fence
	if h.killed() {
		return // it is looked up again
	}
	h.note(a, job.AttemptLine{Event: job.Refused})
	a.stage = stageIdle
	if h.chance(15) { // and the answer comes after all
		late := *a
		late.fence, late.run, late.made = a.fence-1, "late", h.now
		h.receive(&late)
	}
}

// runEnds ends the run of a job.
func (h *history) runEnds(a *actor) {
	billed := a.quote
	switch h.r.IntN(10) {
	case 0:
		billed += 500
	case 1:
		billed = 0
	}
	switch h.r.IntN(10) {
	case 0, 1: // a passing fault, given back: another attempt
		if a.again || a.tried >= 2 {
			break
		}
		ended := job.AttemptLine{Event: job.Ended, Inference: a.run, Made: a.made, Sent: a.intent, Billed: billed, Refunded: billed}
		h.note(a, ended)
		if h.killed() && h.chance(50) {
			h.note(a, ended) // told once more by the next process
		}
		a.tried, a.eBilled = a.tried+1, a.eBilled+billed
		a.attempt, a.stage = a.attempt+1, stageIdle
	case 2: // failed and given back
		h.finish(a, job.Failed, billed, billed, !a.again)
	case 3: // failed and not given back, or its images cannot be stored
		h.finish(a, job.Failed, billed, 0, !a.again)
		a.result.Kind = job.KindStorage
		h.failed[len(h.failed)-1].line.Kind = job.KindStorage
	default:
		h.finish(a, job.Succeeded, billed, 0, !a.again)
	}
}

// finish records a result.
func (h *history) finish(a *actor, state job.State, billed, refunded job.CU, charged bool) {
	if !charged {
		billed, refunded = 0, 0
	}
	a.result = job.Result{
		Job: a.id, Row: "r", State: state, Model: "m", Outputs: []string{string(a.id) + ".{ext}"}, Inference: a.run, APIKey: a.key.APIKey, Attempts: a.attempt,
		Quoted: a.quote, Billed: billed + a.eBilled, Refunded: refunded + a.eBilled, Submitted: a.intent, Recorded: h.now,
	}
	if state == job.Succeeded {
		a.result.Images = []job.Image{{Key: string(a.id) + ".png", Bytes: 1}}
	}
	if charged {
		a.result.Charge = &job.Charge{Project: a.key.Project, Team: a.key.Team, Billed: billed, Refunded: refunded}
	}
	h.record(a)
	a.stage = stageConcluding
	if !h.killed() {
		h.settle(a)
	}
}

func (h *history) record(a *actor) {
	to := &h.failed
	if a.result.State == job.Succeeded {
		to = &h.succeeded
	}
	*to = append(*to, written[job.Result]{line: a.result, clock: h.clock()})
}

// conclude is what the next process does: it writes the result again.
func (h *history) conclude(a *actor) {
	h.record(a)
	h.settle(a)
}

func (h *history) settle(a *actor) {
	a.stage = stageOver
}

// again is a later submission of a job that is over.
func (h *history) again(a *actor) {
	if !h.chance(40) {
		return
	}
	a.eBilled, a.tried = 0, 0
	if a.result.Inference != "" && (a.result.State == job.Succeeded || a.result.Kind == job.KindStorage) && h.chance(50) {
		a.again, a.stage = true, stageRunning // only its images are missing
		return
	}
	if a.result.State == job.Succeeded && h.chance(70) {
		return
	}
	a.attempt, a.stage = a.attempt+1, stageIdle
}

// lose loses Redis. What goes on is what the logs know.
func (h *history) lose(inFlight map[job.ID]pending) {
	for _, a := range h.actors {
		s, open := inFlight[a.id]
		a.tried, a.eBilled = 0, 0
		if !open {
			if a.stage == stageOver || a.stage == stageConcluding || a.again && a.stage == stageRunning {
				a.stage = stageOver
				continue
			}
			a.attempt, a.stage = h.tried(a.id)+1, stageIdle
			continue
		}
		// Whatever the run is, it is the one that the provider made of the last sending.
		a.attempt, a.intent, a.quote, a.fence = s.attempt, s.intent, s.quote, h.fence
		a.key = s.key
		a.stage = stageUnknown
		if s.run != "" {
			a.stage, a.run, a.made = stageRunning, s.run, s.made
		}
	}
}

// pending is an attempt that is in flight.
type pending struct {
	attempt int
	key     job.Slice
	quote   job.CU
	intent  time.Time
	run     string
	made    time.Time
}

// truth is what the lines say in the order in which they were written, worked out as
// simply as can be.
type truth struct {
	spent            map[job.Slice]job.CU
	billed, refunded job.CU
	held             job.CU
	inFlight         map[job.ID]pending
	tried            map[job.ID]int
}

func (h *history) tried(id job.ID) int { return h.truth().tried[id] }

func (h *history) truth() *truth {
	t := &truth{spent: map[job.Slice]job.CU{}, inFlight: map[job.ID]pending{}, tried: map[job.ID]int{}}
	type name struct {
		id      job.ID
		attempt int
	}
	counted := map[name]bool{}
	count := func(n name, in job.Slice, at time.Time, billed, refunded job.CU) {
		if counted[n] {
			return
		}
		counted[n] = true
		t.billed += billed
		t.refunded += refunded
		in.Batch, in.Quarter = historyBatch, at.UTC().Truncate(15*time.Minute)
		if t.spent[in] += billed - refunded; t.spent[in] == 0 {
			delete(t.spent, in)
		}
	}
	for _, log := range [][]written[job.Result]{h.failed, h.succeeded} {
		for _, l := range log {
			r := l.line
			t.tried[r.Job] = max(t.tried[r.Job], r.Attempts)
			if r.Charge != nil {
				count(name{r.Job, r.Attempts}, job.Slice{APIKey: r.APIKey, Project: r.Charge.Project, Team: r.Charge.Team}, r.Submitted, r.Charge.Billed, r.Charge.Refunded)
			}
		}
	}
	for _, l := range h.attempts {
		if l.line.Event == job.Ended {
			t.tried[l.line.Job] = max(t.tried[l.line.Job], l.line.Attempt)
			count(name{l.line.Job, l.line.Attempt}, job.Slice{APIKey: l.line.APIKey, Project: l.line.Project, Team: l.line.Team}, l.line.Sent, l.line.Billed, l.line.Refunded)
		}
	}
	fences := map[job.ID]int64{}
	for _, l := range h.attempts {
		line := l.line
		if line.Attempt <= t.tried[line.Job] || line.Fence < fences[line.Job] {
			continue
		}
		switch line.Event {
		case job.Intended:
			fences[line.Job] = line.Fence
			t.inFlight[line.Job] = pending{
				attempt: line.Attempt, key: job.Slice{APIKey: line.APIKey, Project: line.Project, Team: line.Team}, quote: line.Quoted, intent: line.At,
			}
		case job.Refused:
			fences[line.Job] = line.Fence
			delete(t.inFlight, line.Job)
		case job.Received:
			s := t.inFlight[line.Job]
			s.run, s.made = line.Inference, line.Made
			t.inFlight[line.Job] = s
		}
	}
	for _, s := range t.inFlight {
		t.held += s.quote
	}
	return t
}

const historyBatch = "test/night"

// disorder is how the lines of several writers come to stand.
type disorder int

const (
	asWritten disorder = iota
	byClocks           // of their writers
	twice              // some of them, besides
)

// stand puts the lines in the order in which they come to stand.
func stand[T any](r *rand.Rand, lines []written[T], how disorder) []T {
	lines = slices.Clone(lines)
	if how != asWritten {
		slices.SortStableFunc(lines, func(a, b written[T]) int { return a.clock.Compare(b.clock) })
	}
	var all []T
	for _, l := range lines {
		all = append(all, l.line)
	}
	for how == twice && len(all) > 0 && r.IntN(3) > 0 {
		from := r.IntN(len(all))
		all = slices.Insert(all, from+r.IntN(len(all)-from)+1, all[from])
	}
	return all
}
