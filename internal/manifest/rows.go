package manifest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"nightshift/internal/document"
)

// Rows yields the rows of the manifest in their order, each time the same. An
// error is a *Problem or *Problems of one row, after which the others follow, so
// that everything that is wrong can be reported at once; a problem that several
// rows share is yielded once. Any other error ends the rows.
func (m *Manifest) Rows() iter.Seq2[*Row, error] { return m.RowsContext(context.Background()) }

// RowsContext is [Manifest.Rows], and ends with the cause of a context that is done,
// also where for long no row comes.
func (m *Manifest) RowsContext(ctx context.Context) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		e := newExpander(m)
		e.stopped = func() bool { return ctx.Err() != nil }
		for item, err := range m.def.items.all() {
			if err != nil {
				if !yield(nil, err) {
					return
				}
				e.failed = true
				continue
			}
			if !e.expand(item, yield) {
				return
			}
			if e.stopped() {
				yield(nil, context.Cause(ctx))
				return
			}
		}
		for _, problem := range e.finish() {
			if !yield(nil, problem) {
				return
			}
		}
	}
}

// maxRemembered bounds the problems that are kept to yield each once.
const maxRemembered = 1000

// expander makes the rows of one pass over a manifest.
type expander struct {
	*builder
	file     string
	reported map[string]bool
	ids      map[string]bool // ids that include and exclude name, and whether they came
	rows     bool            // there was a row, or at least an attempt
	failed   bool            // an item could not be read
	stopped  func() bool     // nobody waits for more rows
}

func newExpander(m *Manifest) *expander {
	e := &expander{builder: newBuilder(&m.def), file: m.Path, reported: map[string]bool{}, ids: map[string]bool{}}
	for _, r := range m.def.grid.excludes {
		for id := range r.ids {
			e.ids[id] = false
		}
	}
	for _, extra := range m.def.grid.includes {
		for id := range extra.ids {
			e.ids[id] = false
		}
	}
	return e
}

// expand yields the rows of one item and reports whether to go on.
func (e *expander) expand(item *layer, yield func(*Row, error) bool) bool {
	if len(e.ids) > 0 {
		if _, named := e.ids[item.id]; named {
			e.ids[item.id] = true
		}
	}
	for combination := range e.def.grid.of(item.id, e.stopped) {
		e.rows = true
		row, problems := e.build(item, combination)
		if len(problems) == 0 {
			if !yield(row, nil) || !e.stepRows(row, func(row *Row, problems []*document.Problem) bool {
				if len(problems) == 0 {
					return yield(row, nil)
				}
				return e.tell(problems, yield)
			}) {
				return false
			}
			continue
		}
		if !e.tell(problems, yield) {
			return false
		}
	}
	return true
}

// tell yields problems that were not yielded before.
func (e *expander) tell(problems []*document.Problem, yield func(*Row, error) bool) bool {
	for _, problem := range problems {
		if e.fresh(problem) && !yield(nil, problem) {
			return false
		}
	}
	return true
}

// fresh reports whether a problem has not been yielded before.
func (e *expander) fresh(problem *document.Problem) bool {
	written := problem.Error()
	if e.reported[written] {
		return false
	}
	if len(e.reported) < maxRemembered {
		e.reported[written] = true
	}
	return true
}

// finish returns the problems that show only after the last row.
func (e *expander) finish() []*document.Problem {
	if e.failed {
		return nil
	}
	var problems []*document.Problem
	if !e.rows {
		problem := &document.Problem{Place: document.Place{File: e.file}, Message: "the manifest has no rows", Suggestion: "add at least one"}
		if len(e.def.grid.excludes) > 0 {
			problem.Suggestion = "exclude may leave nothing"
		}
		problems = append(problems, problem)
	}
	problems = append(problems, e.unknownIDs()...)
	for i, a := range e.def.grid.axes {
		if e.rows && !e.used[i] && !e.setsSomething(a) {
			problems = append(problems, &document.Problem{
				Place:   a.place,
				Message: fmt.Sprintf("axis %s multiplies the jobs, but nothing uses it", a.name),
				Suggestion: fmt.Sprintf("write {%s} in the prompt; to set the parameter, name the axis %s%s",
					a.name, parameterPrefix, a.name),
			})
		}
	}
	return problems
}

// setsSomething reports whether an axis has an effect without being named.
func (e *expander) setsSomething(a *axis) bool {
	if a.typed() || a.name == modelAxis {
		return true
	}
	return a.name == styleAxis && slices.ContainsFunc(e.def.styles, func(s *style) bool { return len(s.parameters) > 0 })
}

// unknownIDs reports entries of include and exclude for items that never came.
func (e *expander) unknownIDs() []*document.Problem {
	var problems []*document.Problem
	check := func(at document.Place, what string, ids map[string]bool) {
		var missing []string
		for id := range ids {
			if !e.ids[id] {
				missing = append(missing, id)
			}
		}
		if slices.Sort(missing); len(missing) > 0 {
			problems = append(problems, &document.Problem{Place: at, Suggestion: "compare it with the ids of the items",
				Message: fmt.Sprintf("this entry of %s names an item that does not exist: %s", what, strings.Join(missing, ", "))})
		}
	}
	for _, r := range e.def.grid.excludes {
		check(r.place, "exclude", r.ids)
	}
	for _, extra := range e.def.grid.includes {
		check(extra.place, "include", extra.ids)
	}
	return problems
}
