package cli

import (
	"context"
	"hash/maphash"
	"iter"
	"strings"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// selection is which results of a batch are wanted.
type selection struct {
	failed bool   // those that failed and have not succeeded since
	row    string // of this row, or of those that match the pattern; "" of all
}

// lastLines streams the results of a batch, the last for each image name, so that what an
// edit has replaced is not told. It reads the log twice and holds eight bytes of each job.
func (s selection) lastLines(ctx context.Context, log *batch.Log) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		seed := maphash.MakeSeed()
		lines := log.Succeeded
		without := make(map[uint64]struct{})
		if s.failed {
			lines = log.Failed
			for result, err := range log.Succeeded(ctx) {
				if err != nil {
					yield(result, err)
					return
				}
				without[placeOf(seed, &result)] = struct{}{}
			}
		}
		again, err := repeated(lines(ctx), seed)
		if err != nil {
			yield(job.Result{}, err)
			return
		}
		for result, err := range lines(ctx) {
			if err != nil {
				yield(result, err)
				return
			}
			id := placeOf(seed, &result)
			if again[id] > 0 {
				again[id]--
				continue
			}
			if _, succeeded := without[id]; succeeded || !s.wants(&result) {
				continue
			}
			if !yield(result, nil) {
				return
			}
		}
	}
}

// placeOf stands for where the images of a result are: those of an edited row are under the
// names of the row before.
func placeOf(seed maphash.Seed, result *job.Result) uint64 {
	if len(result.Outputs) > 0 {
		return maphash.String(seed, result.Outputs[0])
	}
	return maphash.String(seed, string(result.Job))
}

// repeated counts how many more lines than one places have, of those that have.
func repeated(lines iter.Seq2[job.Result, error], seed maphash.Seed) (map[uint64]int, error) {
	seen, again := make(map[uint64]struct{}), make(map[uint64]int)
	for result, err := range lines {
		if err != nil {
			return nil, err
		}
		id := placeOf(seed, &result)
		if _, known := seen[id]; known {
			again[id]++
		}
		seen[id] = struct{}{}
	}
	return again, nil
}

func (s selection) wants(result *job.Result) bool {
	return s.row == "" || s.row == result.Row || matches(s.row, result.Row)
}

// matches reports whether a text is like a pattern, in which each * stands for any text,
// slashes included: rows are named by item/style/seed.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	text, begins := strings.CutPrefix(text, parts[0])
	if len(parts) == 1 || !begins {
		return begins && text == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = rest
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
