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

// Find looks in the list of inferences, back to before the oldest attempt, for those
// that have the attempts' models and inputs. Errors are those of [Client.Inferences].
func (c *Client) Find(ctx context.Context, attempts []provider.Attempt, known []provider.Run, ours provider.Ours) ([]provider.Match, error) {
	list, horizon := c.listings.search(), c.Earliest(time.Now())
	for _, a := range attempts {
		horizon = earlier(horizon, c.Earliest(a.Sent))
	}
	m, shown := newMatcher(c, attempts), make(map[string]bool)
	complete, err := c.scan(ctx, list, horizon, byPage, func(page []job.Inference) (bool, error) {
		for i := range page {
			shown[page[i].ID] = true
			m.vouch(page[i].CreatedAt, list.asked)
		}
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
	lacks := ""
	if complete {
		if lacks, err = c.lacking(ctx, known, shown, horizon); err != nil {
			return nil, err
		}
	}
	matches := m.all(complete && lacks == "", lacks, list.asked)
	return matches, c.elsewhere(ctx, m, shown, ours)
}

// lacking returns a run that is there, was made since the horizon, and was not shown; ""
// if there is none. What the API itself does not know any more was deleted.
func (c *Client) lacking(ctx context.Context, known []provider.Run, shown map[string]bool, horizon time.Time) (string, error) {
	reads := 0
	for _, run := range known {
		if shown[run.ID] || run.Made.IsZero() || run.Made.Before(horizon) {
			continue
		}
		if c.listings.wasAbsent(run.ID) {
			continue
		}
		if reads == singleReads {
			return run.ID, nil
		}
		reads++
		there, err := c.single(ctx, run.ID)
		if err != nil {
			return "", err
		}
		if there.Status != job.RunNotFound {
			return run.ID, nil
		}
		c.listings.note(run.ID, false)
	}
	return "", nil
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
