package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// A list of inferences that is empty, or of a while ago, looks the same whether it is true
// or not. Where nothing in it is of the time of an attempt, two other routes are asked: the
// list of assets, which names the inference that made each, and the charges. A fault of one
// route is not one of all.

// bare reports whether nothing that was shown was made after an attempt: a list of a moment
// before shows what was made until then.
func (m *matcher) bare(i int) bool { return m.newest.Before(m.c.latest(m.attempts[i].Sent)) }

// wanted reports whether other sources are asked about an attempt: sooner where a list is
// nearly of its time.
func (m *matcher) wanted(i int) bool {
	a := &m.attempts[i]
	return a.Elsewhere || a.Soon && !m.newest.Before(m.c.latest(a.Sent).Add(-a.Fresh))
}

// vouch takes in when a run was made that was shown in answer to a question asked then. One
// of later says nothing: its date is wrong.
func (m *matcher) vouch(made, asked time.Time) {
	if !made.After(m.c.latest(asked).Add(listTime)) {
		m.newest = later(m.newest, made)
	}
}

// listTime is how long a list may take to be made, after it was asked for.
const listTime = 2 * time.Second

// elsewhere asks other routes about the attempts of which that is wanted. What it finds is
// matched as if the list had shown it; what it cannot find out only a person can tell.
func (c *Client) elsewhere(ctx context.Context, m *matcher, shown map[string]bool, ours provider.Ours) error {
	var asked []int
	since := time.Now().Add(clockUnknown)
	for i, a := range m.attempts {
		if match := &m.matches[i]; m.wanted(i) && match.Bare && match.Complete && !match.Unclear && len(match.Runs) == 0 {
			asked, since = append(asked, i), earlier(since, c.Earliest(a.Sent))
		}
	}
	if len(asked) == 0 {
		return nil
	}
	lacks, err := c.byAssets(ctx, m, since, shown, ours)
	clear := err == nil
	if err == nil {
		clear, err = c.nothingCharged(ctx, later(since.Add(skew), m.newest.Add(time.Second)))
	}
	if err != nil && !cannotSay(err) {
		return err
	}
	for _, i := range asked {
		match := &m.matches[i]
		match.Bare, match.Unclear = false, match.Unclear || !clear && len(match.Runs) == 0
		if lacks != "" {
			match.Complete, match.Lacks = false, lacks
		}
	}
	return nil
}

// byAssets matches the inferences that assets of since then name and the list did not show.
// It returns one of them, "" if there is none: the list is not to be relied on.
func (c *Client) byAssets(ctx context.Context, m *matcher, since time.Time, shown map[string]bool, ours provider.Ours) (lacks string, err error) {
	ids, err := c.madeSince(ctx, since)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if shown[id] {
			continue
		}
		run, err := c.single(ctx, id)
		if err != nil {
			return "", err
		}
		if run.Status == job.RunNotFound || madeBefore(&run, since) {
			continue
		}
		lacks = id
		m.vouch(run.CreatedAt, time.Now())
		strangers, err := strangersAmong(ctx, []job.Inference{run}, ours)
		if err != nil {
			return lacks, err
		}
		if len(strangers) == 0 {
			continue
		}
		c.listings.note(id, true)
		if err := m.match(ctx, &strangers[0]); err != nil {
			return lacks, err
		}
	}
	return lacks, nil
}

// madeSince are the inferences that made the assets of since then, by the API's clock.
//
// Scenario API: the asset names its job in parentJobId.
func (c *Client) madeSince(ctx context.Context, since time.Time) ([]string, error) {
	var ids []string
	named := make(map[string]bool)
	err := c.eachAsset(ctx, madeAfter(since), func(record *assetRecord) (more bool) {
		if id := record.parent(); id != "" && !named[id] {
			ids, named[id] = append(ids, id), true
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	return ids, nil
}

// nothingCharged reports whether no charge is known of since then, by the API's clock. A key
// that may not read usages, or usages that cannot be read, say nothing against it.
func (c *Client) nothingCharged(ctx context.Context, since time.Time) (bool, error) {
	usages, err := c.Usages(ctx, since, since.Add(MaxUsagesSpan))
	if cannotSay(err) || errors.Is(err, errUsagesShape) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	var charged job.CU
	for _, day := range usages.Days {
		charged += day.Charged
	}
	return charged == 0, nil
}

// cannotSay reports whether a route answers that it is not to be asked so, or not with this
// key: asking again gives no other answer.
func cannotSay(err error) bool {
	_, refused := errors.AsType[*job.AccessError](err)
	return refused || errors.Is(err, job.ErrInvalid) || errors.Is(err, job.ErrNotFound)
}
