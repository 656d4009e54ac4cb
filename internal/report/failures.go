package report

import (
	"cmp"
	"slices"

	"nightshift/internal/job"
)

const (
	failureRows   = 5    // examples named per failure group
	failureGroups = 100  // reasons listed, the most frequent; the others share one more group
	failureKinds  = 1000 // reasons told apart at all
	otherReasons  = "other reasons"
)

type failureKey struct{ kind, reason string }

// failures notes why jobs failed, line by line, and counts those lines that still
// say how things stand.
type failures struct {
	kinds map[failureKey]uint32
	list  []job.FailureGroup // by that number
	rows  []byte             // the rows of all lines, one behind the other
	lines chunks[failedLine]
}

// failedLine is a line of a job that failed.
type failedLine struct {
	kind uint32
	row  uint32 // where its row ends in rows; it begins where the one before ends
}

// note takes the next line and returns its number.
func (f *failures) note(r *job.Result) (number uint32) {
	f.rows = append(f.rows, r.Row...)
	f.lines.add(failedLine{f.kind(r), uint32(len(f.rows))})
	return uint32(f.lines.len() - 1)
}

func (f *failures) kind(r *job.Result) uint32 {
	key, hint := failureKey{r.Kind, r.Reason}, r.Hint
	if _, known := f.kinds[key]; !known && len(f.list) >= failureKinds {
		key, hint = failureKey{reason: otherReasons}, ""
	}
	number, known := f.kinds[key]
	if !known {
		if f.kinds == nil {
			f.kinds = make(map[failureKey]uint32)
		}
		number = uint32(len(f.list))
		f.kinds[key] = number
		f.list = append(f.list, job.FailureGroup{Kind: key.kind, Reason: key.reason, Hint: hint})
	}
	return number
}

// count counts a line that was noted.
func (f *failures) count(number uint32) {
	line := f.lines.at(int(number))
	group := &f.list[line.kind]
	group.Jobs++
	if len(group.Rows) >= failureRows {
		return
	}
	var begin uint32
	if number > 0 {
		begin = f.lines.at(int(number) - 1).row
	}
	group.Rows = append(group.Rows, string(f.rows[begin:line.row]))
}

// groups returns what was counted, most frequent first.
func (f *failures) groups() []job.FailureGroup {
	list := slices.DeleteFunc(f.list, func(g job.FailureGroup) bool { return g.Jobs == 0 })
	slices.SortFunc(list, byFrequency)
	if len(list) <= failureGroups {
		return list
	}
	rest := job.FailureGroup{Reason: otherReasons}
	isRest := func(g job.FailureGroup) bool { return g.Kind == "" && g.Reason == otherReasons }
	if at := slices.IndexFunc(list, isRest); at >= 0 {
		rest = list[at]
		list = slices.Delete(list, at, at+1)
	}
	for _, group := range list[failureGroups:] {
		rest.Jobs += group.Jobs
		rest.Rows = append(rest.Rows, group.Rows[:min(len(group.Rows), failureRows-len(rest.Rows))]...)
	}
	list = append(list[:failureGroups], rest)
	slices.SortFunc(list, byFrequency)
	return list
}

func byFrequency(a, b job.FailureGroup) int {
	return cmp.Or(cmp.Compare(b.Jobs, a.Jobs), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Reason, b.Reason))
}
