package plan

import (
	"hash/maphash"
	"slices"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// twins finds jobs of one model, inputs and fixed seed: each makes the image of the
// others, and is paid. It keeps eight bytes of each, and looks at the jobs a second
// time where some are alike.
type twins struct {
	seed   maphash.Seed
	hashes []uint64
	buffer []byte // reused
}

// add notes a job with a fixed seed and returns what it is told apart by.
func (t *twins) add(j *job.Job) uint64 {
	if t.hashes == nil {
		t.seed = maphash.MakeSeed()
	}
	t.buffer = append(append(t.buffer[:0], j.Model...), 0)
	t.buffer = j.Inputs.AppendCanonical(t.buffer)
	hash := max(maphash.Bytes(t.seed, t.buffer), 1) // 0 is a job that has none
	t.hashes = append(t.hashes, hash)
	return hash
}

// maxTwins bounds how many sets of equal jobs are told of.
const maxTwins = 10_000

// alike returns the hashes that several jobs have, and forgets the others.
func (t *twins) alike() map[uint64]document.Place {
	slices.Sort(t.hashes)
	alike := make(map[uint64]document.Place)
	for i := 1; i < len(t.hashes) && len(alike) < maxTwins; i++ {
		if t.hashes[i] == t.hashes[i-1] {
			alike[t.hashes[i]] = document.Place{}
		}
	}
	t.hashes = nil
	return alike
}

// twin is the warning about a job like an earlier one.
func twin(at, first document.Place) *document.Problem {
	return &document.Problem{
		Place:      at,
		Message:    "the row has model, inputs and seed of an earlier one: the same image is made and paid again",
		Suggestion: "the other one is " + first.String() + "; give them different seeds, or take one out",
	}
}
