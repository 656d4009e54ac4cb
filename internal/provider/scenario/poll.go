package scenario

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

const (
	// An inference that a complete list did not show is read by itself, at most so many
	// in one poll and each this often.
	singleReads = 5
	singleTick  = 20 * time.Second
)

// Poll reads one list for all runs, as far back as the oldest was made, and singly what
// the list does not show. A run alone is read singly. Errors are those of
// [Client.Inferences].
func (c *Client) Poll(ctx context.Context, runs []provider.Run) ([]job.Inference, error) {
	if len(runs) == 1 {
		run, err := c.single(ctx, runs[0].ID)
		if err != nil {
			return nil, err
		}
		if run.Status != job.RunNotFound {
			return []job.Inference{run}, nil
		}
	}
	unseen, horizon := make(map[string]bool, len(runs)), c.Earliest(time.Now())
	for _, run := range runs {
		unseen[run.ID] = true
		horizon = earlier(horizon, run.Made)
	}
	var seen []job.Inference
	list := c.listings.begin()
	defer c.listings.leave(list)
	complete, err := c.scan(ctx, list, horizon, func(page []job.Inference) (bool, error) {
		for _, run := range page {
			if unseen[run.ID] {
				delete(unseen, run.ID)
				seen = append(seen, run)
			}
		}
		return len(unseen) == 0, nil
	})
	if err != nil || !complete {
		return seen, err
	}
	return c.unlisted(ctx, seen, unseen)
}

// unlisted adds to what was seen some of the inferences that the list did not show.
func (c *Client) unlisted(ctx context.Context, seen []job.Inference, unseen map[string]bool) ([]job.Inference, error) {
	reads := 0
	for id := range unseen {
		if reads == singleReads || !c.listings.due(id) {
			continue
		}
		reads++
		run, err := c.single(ctx, id)
		if err != nil {
			return seen, err
		}
		seen = append(seen, run)
	}
	return seen, nil
}

// single reads one inference, which need not be there.
func (c *Client) single(ctx context.Context, id string) (job.Inference, error) {
	run, err := c.Inference(ctx, id)
	if errors.Is(err, job.ErrNotFound) {
		return job.Inference{ID: id, Status: job.RunNotFound}, nil
	}
	if err != nil {
		return job.Inference{}, err
	}
	run.ID = id
	return *run, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
