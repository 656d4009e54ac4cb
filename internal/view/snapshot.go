package view

import (
	"fmt"
	"strings"
	"time"

	"nightshift/internal/progress"
	"nightshift/internal/report"
	"nightshift/internal/text"
)

// snapshot is the batch as the live view shows it.
func (b *BatchStatus) snapshot() progress.Snapshot {
	s := progress.Snapshot{Phase: b.phase(), Batch: b.Name, Mode: b.Mode, Started: b.Started}
	j := b.Jobs
	s.Jobs.Total, s.Jobs.Kept, s.Jobs.Succeeded, s.Jobs.Failed = j.Total, j.Kept, j.Succeeded, j.Failed
	s.Jobs.FailedBefore, s.Jobs.Waiting, s.Jobs.Held = j.FailedBefore, j.Waiting, j.Held
	s.Jobs.Running, s.Jobs.Queued, s.Jobs.Unknown, s.Jobs.Storing = j.Running, j.Queued, j.Unknown, j.Storing
	s.Images.Done, s.Images.Total = b.Images.Done, b.Images.Total
	s.CU.Spent, s.CU.Reserved, s.CU.Cap = b.CU.Spent, b.CU.Reserved, b.CU.Budget
	s.CU.InTheEnd, s.Pace = b.CU.InTheEnd, b.ImagesPerMinute/60
	s.Left = time.Duration(b.SecondsLeft * float64(time.Second))
	if b.Waiting != nil {
		s.Waiting = progress.Wait{Reason: b.Waiting.Reason, Until: b.Waiting.Until, Detail: b.Waiting.Detail}
	}
	return s
}

func (b *BatchStatus) phase() progress.Phase {
	switch b.State {
	case StateWaiting:
		return progress.Waiting
	case StateRunning, stateBlocked:
		return progress.Running
	case StatePaused:
		return progress.Paused
	case StateCancelling:
		return progress.Cancelling
	default:
		return progress.Done
	}
}

// standing is the batch as the command status shows it.
func (b *BatchStatus) standing() progress.BatchStatus {
	s := progress.BatchStatus{
		Snapshot: b.snapshot(), Word: b.State.Words(b.Jobs.Missing()), Ended: b.Ended,
	}
	s.Batch = b.Batch
	switch b.State {
	case StateRunning:
	case State(report.Complete):
		s.Good, s.Alarm = b.Jobs.Missing() == 0, b.Jobs.Missing() > 0
	default:
		s.Alarm = true
	}
	s.Notes = b.notes()
	return s
}

// notes are what is to be said of the batch beside its numbers.
func (b *BatchStatus) notes() []progress.Note {
	var notes []progress.Note
	add := func(about, line string, alarm bool) {
		notes = append(notes, progress.Note{About: about, Text: line, Alarm: alarm})
	}
	if b.Why != "" && b.State != StatePaused { // that is what it waits for
		add("why", b.Why, true)
	}
	if picks := progress.PickWords(b.Picks); picks != "" {
		add("picks", picks, false)
	}
	if b.Bottleneck != nil && b.State != StatePaused && b.State != StateCancelling {
		add("limit", b.Bottleneck.Text, false)
	}
	if n := b.Jobs.Waiting; n > 0 {
		add("picks", progress.WaitForPick(n)+": mark images in the contact sheet, or with enqueue pick "+b.arg+" ROW…", false)
	}
	if n := b.Jobs.FailedBefore; n > 0 {
		add("refused", fmt.Sprintf("%s failed before, %s CU so far; not run again unless the row changes, or --retry-refused asks for it",
			text.Count(n, "job"), b.CU.FailedBefore), true)
	}
	if n := b.Jobs.InFlight; n > 0 {
		add("sent", fmt.Sprintf("%s (%s CU) sent and not collected; the next run collects what was made, and nothing is paid twice", text.Count(n, "job"), b.CU.Reserved), false)
	}
	for _, t := range b.Trouble {
		add("trouble", t.Worker+": "+t.Text, true)
	}
	if b.Questions > 0 {
		add("decide", fmt.Sprintf("%s without a reply, of which only you can tell what became of it: enqueue resolve %s", text.Count(b.Questions, "submission"), b.arg), true)
	}
	switch b.State {
	case stateBlocked, StateDamaged:
		add("next", b.Hint, false)
		add("", b.again, false)
	case StatePaused:
		add("next", "enqueue resume "+b.arg+", or enqueue cancel "+b.arg, false)
	case stateUnfinished:
		add("next", "submit its manifest again: "+b.again, false)
	case stateLocal:
		add("next", strings.TrimSuffix("run its manifest again: "+b.again, ": "), false)
	default:
		if b.again != "" {
			add("next", b.again, false)
		}
	}
	return notes
}
