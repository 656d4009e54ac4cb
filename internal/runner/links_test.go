package runner

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// Where requests are scarce, one request reads the links of all that come within a
// tenth of a second; where they are plenty, nobody waits for long.
func TestLinksAreGathered(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		spare float64
		err   error
		took  time.Duration
		calls int
	}{
		"scarce":  {spare: plenty, took: gather, calls: 1},
		"plenty":  {spare: 0.9, took: 50*time.Millisecond + gatherBriefly, calls: 2},
		"unknown": {spare: 1, err: errors.New("redis does not answer"), took: gather, calls: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				read := func(_ context.Context, _ string, ids []string) ([]job.Asset, error) {
					calls++
					assets := make([]job.Asset, len(ids))
					for i, id := range ids {
						assets[i] = job.Asset{ID: id, Link: job.Link("https://images.example/" + id)}
					}
					return assets, nil
				}
				l := newLinks("night", read, func(context.Context, string) (float64, error) { return c.spare, c.err })
				started := time.Now()
				go func() {
					if link, err := l.get(t.Context(), "first"); err != nil || link != "https://images.example/first" {
						t.Errorf("first: got %q and %v", link.Reveal(), err)
					}
				}()
				time.Sleep(50 * time.Millisecond)
				if link, err := l.get(t.Context(), "second"); err != nil || link != "https://images.example/second" {
					t.Errorf("second: got %q and %v", link.Reveal(), err)
				}
				synctest.Wait()
				if took := time.Since(started); took != c.took || calls != c.calls {
					t.Errorf("took %s and %d requests, want %s and %d", took, calls, c.took, c.calls)
				}
			})
		})
	}
}
