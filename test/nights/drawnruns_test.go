package nights

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// Runs: a person works on a batch with `enqueue run`, beside the fleet and on its Redis. Ctrl-C
// ends it in some nights, and where it did not come to its end it is run again.
var _ = register(capability{name: "enqueue run", counts: []string{interrupted, ranToItsEnd}, draw: drawRuns})

const (
	interrupted = "enqueue run is interrupted"
	ranToItsEnd = "enqueue run comes to its end"
)

func drawRuns(r *rand.Rand, s *script) *part {
	if r.IntN(5) > 0 {
		return nil
	}
	i := r.IntN(len(s.batches))
	s.batches[i].byRun = true
	for range r.IntN(4) {
		strike := func(n *drawnNight) {
			if at := n.batches[i].run; at != nil && at.running() {
				at.interrupt()
				strikes.add(interrupted)
				if n.random.IntN(2) == 0 {
					n.submit(n.batches[i])
				}
			}
		}
		s.events = append(s.events, event{at: s.batches[i].at + within(r, 90*time.Second), trouble: trouble{name: "Ctrl-C", strike: strike}})
	}
	return &part{
		tells: fmt.Sprintf("%s is run", s.batches[i].name),
		calm:  func(n *drawnNight) { n.mornings = append(n.mornings, func(n *drawnNight) { n.awaitRun(n.batches[i]) }) },
	}
}

// startRun runs a batch, unless it is run already.
func (n *drawnNight) startRun(b *nightBatch) {
	n.t.Helper()
	if b.run != nil && b.run.running() {
		return
	}
	for range 3 { // a first one may find a connection that is dead
		b.run, b.runCalm = b.runOn(n.ways), n.calmed
		n.diary.note("person", "enqueue run of %s", b.drawn.name)
		for range 20 {
			time.Sleep(time.Second) // virtual
			if !b.run.running() {
				break
			}
		}
		if b.run.running() || b.run.code != exitUnexpected || b.run.out.reached("running") {
			break
		}
	}
	n.noteRun(b)
	if n.calmed {
		n.awaitRun(b)
	}
}

// noteRun notes what a run has submitted.
func (n *drawnNight) noteRun(b *nightBatch) {
	n.t.Helper()
	if o, err := batch.ReadSubmission(n.t.Context(), n.bucket, b.manifest.Batch()); err == nil && o != nil {
		n.noteSubmitted(b)
	}
}

// awaitRun waits until a run is over, helping it as a person does.
func (n *drawnNight) awaitRun(b *nightBatch) {
	n.t.Helper()
	if b.run == nil {
		return
	}
	for deadline := time.Now().Add(n.morning()); b.run.running(); time.Sleep(3 * time.Second) { // virtual
		n.help()
		if time.Now().After(deadline) {
			n.fail("stuck", "", "enqueue run of %s goes on: %s", b.drawn.name, b.run.out.last())
			return
		}
	}
	n.noteRun(b)
	n.diary.note("person", "enqueue run of %s has ended with %d: %s", b.drawn.name, b.run.code, b.run.out.last())
	b.short = b.short || strings.Contains(b.run.out.last()+b.run.log.text(), string(job.WaitBatchCU))
	switch b.run.code {
	case exitDone, exitSomeFailed:
		strikes.add(ranToItsEnd)
	case exitInterrupted:
	default: // what is wrong when it begins, it says
		if b.runCalm || b.run.out.reached("running") {
			n.fail("the programs work", "", "enqueue run of %s ends with %d: %s\n%s", b.drawn.name, b.run.code, b.run.out.last(), b.run.log.text())
		}
	}
}
