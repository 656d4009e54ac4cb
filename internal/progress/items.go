package progress

import (
	"cmp"
	"fmt"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// item is a piece of a line with how it looks.
type item struct {
	text  string
	paint paint
}

func texts(items []item) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = item.text
	}
	return all
}

// counts are the numbers of jobs that are not zero.
func (m *moment) counts() []item {
	var items []item
	add := func(n int, what string, p paint) {
		if n > 0 {
			items = append(items, item{text.Number(n) + " " + what, p})
		}
	}
	add(m.Jobs.Running, "running", plain)
	add(m.Jobs.Storing, "storing", plain)
	add(m.Jobs.Unknown, "unknown", yellow)
	add(m.Jobs.Queued, "queued"+m.held(), plain)
	add(m.Jobs.Failed, "failed", red)
	add(m.Jobs.FailedBefore, "failed before", red)
	add(m.Jobs.Kept, "kept", faint)
	add(m.Jobs.Waiting, "waiting for a pick", faint)
	return items
}

// held says how many of the queued jobs wait for an image of another row; "" where none does, and
// where that is said to be what is waited for.
func (m *moment) held() string {
	if m.Jobs.Held == 0 || m.Waiting.Reason == job.WaitNeed {
		return ""
	}
	return " (" + text.Number(m.Jobs.Held) + " for an image of another row)"
}

// money is what was spent and what is held for it.
func (m *moment) money() []item {
	if m.CU.Spent == 0 && m.CU.Reserved == 0 && m.CU.Cap == nil {
		return nil
	}
	items := []item{{amount(m.CU.Spent) + " CU spent", plain}}
	if m.CU.Reserved != 0 {
		items = append(items, item{amount(m.CU.Reserved) + " reserved", plain})
	}
	if m.CU.Cap != nil {
		items = append(items, item{"cap " + amount(*m.CU.Cap), plain})
	}
	return items
}

// inTheEnd says what will have been spent, "" if that is not known.
func (m *moment) inTheEnd() string {
	if m.CU.InTheEnd == 0 || m.Phase != Running {
		return ""
	}
	return "about " + amount(whole(m.CU.InTheEnd)) + " in the end"
}

// waiting says what is waited for; while stopping, that is what was already sent.
func (m *moment) waiting(countdown bool) string {
	out := m.Jobs.Running + m.Jobs.Unknown + m.Jobs.Storing // those that the reserved CU are of
	switch {
	case out == 0 || m.Phase != Stopping && m.Phase != Cancelling:
		return m.Waiting.words(m.now, countdown)
	case m.Phase == Cancelling:
		return fmt.Sprintf("collecting %s (%s CU, paid in any case)", text.Count(out, "inference"), amount(m.CU.Reserved))
	}
	return fmt.Sprintf("collecting %s (%s CU, paid in any case); the next run collects the rest",
		text.Count(out, "inference"), amount(m.CU.Reserved))
}

// failure says in one line which row failed, why, and what can be done.
func failure(r *job.Result) string {
	row := cmp.Or(text.Clean(r.Row, text.Short), text.Clean(string(r.Job), text.Short))
	return row + ": " + reasonOf(r.Reason, r.Kind, r.Hint)
}

// reasonOf is the best that is known of why a job failed, with what can be done.
func reasonOf(reason, kind, hint string) string {
	known := cmp.Or(text.Clean(reason, text.Long), text.Clean(kind, text.Short), noReason)
	return known + text.Brackets(text.Clean(hint, text.Long))
}

const noReason = "no reason is known"
