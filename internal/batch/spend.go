package batch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
)

// quarter is how fine spend is told apart in time: every time zone's days begin
// on one.
const quarter = 15 * time.Minute

// spend adds up bills.
type spend struct {
	slices           map[job.Slice]job.CU // by the slice without its CU
	billed, refunded job.CU
}

// add counts a bill; in is the slice without time and CU.
func (s *spend) add(in job.Slice, sent time.Time, billed, refunded job.CU) {
	s.billed += billed
	s.refunded += refunded
	if billed != refunded {
		in.Quarter = sent.UTC().Truncate(quarter)
		s.slices[in] += billed - refunded
	}
}

// list returns the slices, ordered by API key, project, team, batch and time.
func (s *spend) list() []job.Slice {
	all := make([]job.Slice, 0, len(s.slices))
	for slice, spent := range s.slices {
		slice.CU = spent
		all = append(all, slice)
	}
	slices.SortFunc(all, func(a, b job.Slice) int {
		return cmp.Or(cmp.Compare(a.APIKey, b.APIKey), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Team, b.Team),
			cmp.Compare(a.Batch, b.Batch), a.Quarter.Compare(b.Quarter))
	})
	return all
}

// WriteSpend writes what was spent as spend.jsonl, for people.
func (f *Fold) WriteSpend(ctx context.Context, b Bucket) error {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, slice := range f.Slices() {
		if err := encoder.Encode(slice); err != nil {
			return fmt.Errorf("encode spend of batch %q: %w", f.batch, err)
		}
	}
	key := objectKey(f.batch, spendName)
	if err := b.Put(ctx, key, &lines); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}
