package scenario

import (
	"context"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// skew is how far the API's clock may be from where it is taken to be.
const skew = 2 * time.Minute

// Earliest is the earliest time that the API's clock can have shown when ours showed
// sent.
func (c *Client) Earliest(sent time.Time) time.Time {
	offset, uncertainty := c.ClockOffset()
	return sent.Add(offset - uncertainty - skew)
}

// Find looks in the list of inferences, back to before the oldest attempt, for those
// that have the attempts' models and inputs. Errors are those of [Client.Inferences].
func (c *Client) Find(ctx context.Context, attempts []provider.Attempt, ours provider.Ours) ([]provider.Match, error) {
	list, horizon := c.listings.search(), c.Earliest(time.Now())
	for _, a := range attempts {
		horizon = earlier(horizon, c.Earliest(a.Sent))
	}
	m := newMatcher(c, attempts)
	complete, err := c.scan(ctx, list, horizon, func(page []job.Inference) (bool, error) {
		strangers, err := strangersAmong(ctx, page, ours)
		if err != nil {
			return false, err
		}
		for i := range strangers {
			if err := m.match(ctx, &strangers[i]); err != nil {
				return false, err
			}
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	return m.all(complete, list.asked), nil
}

// strangersAmong are the inferences that belong to none of our requests.
func strangersAmong(ctx context.Context, page []job.Inference, ours provider.Ours) ([]job.Inference, error) {
	ids := make([]string, len(page))
	for i := range page {
		ids[i] = page[i].ID
	}
	owned, err := ours(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(page), func(run job.Inference) bool { return owned[run.ID] }), nil
}
