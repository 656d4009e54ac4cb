package plan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"

	"nightshift/internal/job"
)

// digestSize is enough that no two jobs or names of any real batch share a
// digest by chance (80 bits), so that "kept" is never a collision.
const digestSize = 10

type digest [digestSize]byte

func digestOf(text string) digest {
	sum := sha256.Sum256([]byte(text))
	return digest(sum[:digestSize])
}

// digestSet holds digests in ten bytes each: a map would need two or three times
// that, and grow by copies of itself. Shards keep the garbage of growing small.
// It is filled first, then sorted, then read.
type digestSet struct {
	shards [1 << 12][]digest
	size   int
}

func (d digest) shard() int { return int(d[0])<<4 | int(d[1])>>4 }

func (s *digestSet) add(d digest) {
	s.shards[d.shard()] = append(s.shards[d.shard()], d)
	s.size++
}

func (s *digestSet) sort() {
	for _, shard := range s.shards {
		slices.SortFunc(shard, compareDigests)
	}
}

func (s *digestSet) has(d digest) bool {
	if s.size == 0 {
		return false
	}
	_, found := slices.BinarySearchFunc(s.shards[d.shard()], d, compareDigests)
	return found
}

func compareDigests(a, b digest) int { return bytes.Compare(a[:], b[:]) }

// history is what the batch's results log says is there already.
type history struct {
	jobs  digestSet
	names digestSet // of the outputs
	// refused are jobs that were refused and charged, with what they cost so far.
	refused map[job.ID]job.CU
	picked  map[string]job.ID // see Options.Picked
}

// readHistory reads the results of succeeded jobs; results may be nil.
func readHistory(ctx context.Context, results iter.Seq2[job.Result, error]) (*history, error) {
	h := &history{}
	if results == nil {
		return h, nil
	}
	for result, err := range results {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("read the batch's results: %w", err)
		}
		if result.State != job.Succeeded {
			continue
		}
		h.jobs.add(digestOf(string(result.Job)))
		for _, name := range result.Outputs {
			h.names.add(digestOf(name))
		}
	}
	h.jobs.sort()
	h.names.sort()
	return h, nil
}

// status compares a job with what is there. A job of another identity under the
// same name is one whose row was changed.
func (h *history) status(j *job.Job) Status {
	if h.jobs.has(digestOf(string(j.ID))) {
		return Kept
	}
	if _, refused := h.refused[j.ID]; refused {
		return FailedBefore
	}
	if h.jobs.size == 0 {
		return New
	}
	for _, name := range j.Outputs {
		if h.names.has(digestOf(name)) {
			return Changed
		}
	}
	return New
}
