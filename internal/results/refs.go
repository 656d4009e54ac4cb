package results

import (
	"cmp"
	"hash/maphash"
	"slices"

	"nightshift/internal/job"
)

// ref stands for one line of the log in few bytes, so that a log of any length
// can be put in order. Names are kept as 64-bit hashes: among a million jobs the
// chance that any two are confused is about one in forty million, and then one
// line of a sheet is missing.
type ref struct {
	slot     uint64 // what the job was to make: its first output
	job      uint64
	recorded int64 // Unix nanoseconds
	offset   int64 // where its text lies; the meaning is the reader's
	index    int32 // place in the plan
	length   int32
	ok       bool // succeeded
}

// refMaker hashes names; refs of different makers cannot be compared.
type refMaker struct{ seed maphash.Seed }

func newRefMaker() refMaker { return refMaker{seed: maphash.MakeSeed()} }

func (m refMaker) make(r *job.Result) ref {
	slot := string(r.Job)
	if len(r.Outputs) > 0 {
		slot = r.Outputs[0]
	}
	return ref{
		slot:     maphash.String(m.seed, slot),
		job:      maphash.String(m.seed, string(r.Job)),
		recorded: r.Recorded.UnixNano(),
		index:    int32(r.Index),
		ok:       r.State == job.Succeeded,
	}
}

// newest returns those refs that tell how things stand now, one per thing to be
// made, in the order of the plan. A success counts above any failure of the same
// job. Where an edited manifest gives an output to another job, the job that was
// recorded last counts, since its image is what lies there. The slice is reused.
func newest(refs []ref) []ref {
	slices.SortFunc(refs, func(a, b ref) int {
		return cmp.Or(
			cmp.Compare(a.slot, b.slot),
			cmp.Compare(a.recorded, b.recorded),
			cmp.Compare(a.offset, b.offset),
		)
	})
	kept := refs[:0]
	for start := 0; start < len(refs); {
		end := start + 1
		for end < len(refs) && refs[end].slot == refs[start].slot {
			end++
		}
		kept = append(kept, standing(refs[start:end]))
		start = end
	}
	slices.SortFunc(kept, func(a, b ref) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.offset, b.offset))
	})
	return kept
}

// standing returns the line that counts of those of one slot, oldest first.
func standing(lines []ref) ref {
	last := lines[len(lines)-1]
	for i := len(lines) - 1; i >= 0 && !last.ok; i-- {
		if lines[i].job == last.job && lines[i].ok {
			return lines[i]
		}
	}
	return last
}
