package progress

import (
	"fmt"

	"nightshift/internal/job"
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
			items = append(items, item{number(n) + " " + what, p})
		}
	}
	add(m.Jobs.Running, "running", plain)
	add(m.Jobs.Storing, "storing", plain)
	add(m.Jobs.Unknown, "unknown", yellow)
	add(m.Jobs.Queued, "queued", plain)
	add(m.Jobs.Failed, "failed", red)
	add(m.Jobs.Kept, "kept", faint)
	return items
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

// waiting says what is waited for; while stopping, that is what was already sent.
func (m *moment) waiting(countdown bool) string {
	out := m.Jobs.Running + m.Jobs.Unknown
	switch {
	case out == 0 || m.Phase != Stopping && m.Phase != Cancelling:
		return m.Waiting.words(m.now, countdown)
	case m.Phase == Cancelling:
		return fmt.Sprintf("collecting %s (%s CU, paid in any case)", counted(out, "inference"), amount(m.CU.Reserved))
	}
	return fmt.Sprintf("collecting %s (%s CU, paid in any case); the next run collects the rest",
		counted(out, "inference"), amount(m.CU.Reserved))
}

// failure says in one line which row failed, why, and what can be done.
func failure(r *job.Result) string {
	row := clean(r.Row, shortText)
	if row == "" {
		row = clean(string(r.Job), shortText)
	}
	text := row + ": " + reasonOf(r)
	if hint := clean(r.Hint, longText); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}

func reasonOf(r *job.Result) string {
	if reason := clean(r.Reason, longText); reason != "" {
		return reason
	}
	if kind := clean(r.Kind, shortText); kind != "" {
		return kind
	}
	return "no reason is known"
}
