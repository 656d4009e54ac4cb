package report

import (
	"cmp"
	"hash/maphash"
	"runtime"
	"slices"

	"nightshift/internal/job"
)

// ref stands for one line of the log in few bytes, so that a log of any length
// can be put in order. Names are kept as hashes: of the thing to be made 64 bits, so
// that among a million jobs the chance that any two are confused is about one in
// forty million, and then one job is missing; of the job 32 bits, which only have to
// tell apart the few jobs that were to make the same thing.
type ref struct {
	slot     uint64 // what the job was to make: its first output
	recorded int64  // Unix nanoseconds
	job      uint32
	line     uint32 // number of the line, in the order of reading; see succeededLine
}

// succeededLine is set in the number of a line whose job succeeded.
const succeededLine = 1 << 31

func (r ref) ok() bool    { return r.line&succeededLine != 0 }
func (r ref) number() int { return int(r.line &^ succeededLine) }

// linesPerSweep is how many lines are read between two collections of garbage. A
// table of a long log is most of what is in memory; left to itself, the collector
// would let the garbage of reading grow as large as that.
const linesPerSweep = 1 << 14

// refTable gathers refs, sorted roughly by slot, so that no sum and no sort needs
// room for all of them again.
type refTable struct {
	seed    maphash.Seed
	buckets buckets[ref]
	lines   int
}

func newRefTable() *refTable { return &refTable{seed: maphash.MakeSeed()} }

// add takes the next line of the log.
func (t *refTable) add(r *job.Result) {
	slot := string(r.Job)
	if len(r.Outputs) > 0 {
		slot = r.Outputs[0]
	}
	made := ref{
		slot:     maphash.String(t.seed, slot),
		recorded: r.Recorded.UnixNano(),
		job:      uint32(maphash.String(t.seed, string(r.Job))),
		line:     uint32(t.lines),
	}
	if r.State == job.Succeeded {
		made.line |= succeededLine
	}
	t.buckets.add(made.slot, made)
	if t.lines++; t.lines%linesPerSweep == 0 {
		runtime.GC()
	}
}

// standing hands out the numbers of those lines that tell how things stand now, one
// per thing to be made, in no order, and empties the table. A success counts above
// any failure of the same job. Where an edited manifest gives an output to another
// job, the job that was recorded last counts, since its image is what lies there.
func (t *refTable) standing(use func(number int)) {
	for refs := range t.buckets.take {
		slices.SortFunc(refs, func(a, b ref) int {
			return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.recorded, b.recorded), cmp.Compare(a.number(), b.number()))
		})
		for lines := range groups(refs, func(a, b ref) bool { return a.slot == b.slot }) {
			use(newest(lines).number())
		}
	}
}

// newest returns the line that counts of those of one slot, oldest first.
func newest(lines []ref) ref {
	last := lines[len(lines)-1]
	for i := len(lines) - 1; i >= 0 && !last.ok(); i-- {
		if lines[i].job == last.job && lines[i].ok() {
			return lines[i]
		}
	}
	return last
}
