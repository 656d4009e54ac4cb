package scenario

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// MaxUsagesSpan is the longest time that [Client.Usages] can be asked about.
const MaxUsagesSpan = 120 * 24 * time.Hour

var (
	errUsagesShape   = errors.New("the provider's usages are in a shape that this version does not know")
	errUsagesForever = fmt.Errorf("%w: the next page is this page again", errUsagesShape)
)

// Usages reads what was charged and refunded from since up to but without until,
// by the provider's clock. All entries are read or none: it returns an error that
// wraps [job.ErrInvalid] for a time that is empty or longer than [MaxUsagesSpan],
// a [job.AccessError] for an API key without the scope, a [job.LimitError], a
// plain error that may pass, and a plain error where the reply cannot be read.
//
// Scenario API: documented, never seen live. The activity log has an entry for
// each charge, and one with the action "refunds" for each refund; totals lag
// behind runs. It comes in pages of unsaid length, so one request more is needed
// to find the end.
func (c *Client) Usages(ctx context.Context, since, until time.Time) (provider.Usages, error) {
	about := fmt.Sprintf("read usages from %s to %s", since.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
	if span := until.Sub(since); span <= 0 || span > MaxUsagesSpan {
		return provider.Usages{}, fmt.Errorf("%s: %w: want a time of at most 120 days that ends after it begins", about, job.ErrInvalid)
	}
	sums := usageSums{since: since, until: until, days: map[dayKey]*provider.DayUsage{}}
	if err := c.readActivity(ctx, &sums); err != nil {
		return provider.Usages{}, fmt.Errorf("%s: %w", about, err)
	}
	return sums.sorted(), nil
}

// readActivity adds up all pages.
func (c *Client) readActivity(ctx context.Context, sums *usageSums) error {
	query := url.Values{
		"type":      {"activity"},
		"startDate": {sums.since.UTC().Format(usageTime)},
		"endDate":   {sums.until.UTC().Format(usageTime)},
	}
	if c.project != "" {
		query.Set("projectIds", c.project)
	}
	var before json.RawMessage
	for offset := 0; ; {
		query.Set("activityOffset", strconv.Itoa(offset))
		reply, err := c.read(ctx, call{op: OpUsages, method: http.MethodGet, path: []string{"usages"}, query: query})
		if err != nil {
			return err
		}
		page, entries, err := readUsages(reply)
		if err != nil || len(entries) == 0 {
			return err
		}
		if bytes.Equal(page, before) {
			return errUsagesForever
		}
		for i := range entries {
			if err := sums.add(&entries[i]); err != nil {
				return fmt.Errorf("%w: entry %d: %w", errUsagesShape, offset+i, err)
			}
		}
		before, offset = page, offset+len(entries)
	}
}

// usageTime is how times are asked for.
const usageTime = "2006-01-02T15:04:05.000Z"

// usageEntry is an entry of the activity log.
type usageEntry struct {
	Action loose[string]
	Time   moment
	UserID loose[string]
	// CreativeUnitsCost is absent on what costs nothing.
	CreativeUnitsCost *json.RawMessage
}

// readUsages also returns the page as it came, to tell it from the next one.
func readUsages(reply *reply) (page json.RawMessage, entries []usageEntry, err error) {
	body, err := decode[struct{ Activity json.RawMessage }](reply)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUsagesShape, err)
	}
	if err := json.Unmarshal(body.Activity, &entries); err != nil || entries == nil {
		return nil, nil, fmt.Errorf("%w: no list of activity", errUsagesShape)
	}
	return body.Activity, entries, nil
}

// cost reads what an entry moves. Whether refunds have a sign is not known.
func (e *usageEntry) cost() (amount job.CU, refund bool, err error) {
	if e.CreativeUnitsCost == nil {
		return 0, false, nil
	}
	text := strings.Trim(string(*e.CreativeUnitsCost), `"`)
	text, negative := strings.CutPrefix(text, "-")
	amount, err = job.ParseCU(text)
	return amount, negative || e.Action.Value == "refunds", err
}

// restates reports whether an entry says again what others say.
func (e *usageEntry) restates() bool {
	return e.Action.Value == "creative-unit-cost" || e.Action.Value == "creative-unit-discount"
}

type dayKey struct {
	day    time.Time
	author string
}

// usageSums adds entries up.
type usageSums struct {
	since, until time.Time
	days         map[dayKey]*provider.DayUsage
	newest       time.Time
}

func (s *usageSums) add(entry *usageEntry) error {
	at := entry.Time.Time
	if at.IsZero() {
		return errors.New("no time")
	}
	amount, refund, err := entry.cost()
	if err != nil {
		return err
	}
	if at.Before(s.since) || !at.Before(s.until) {
		return nil // the provider may round to whole hours or days
	}
	if at.After(s.newest) {
		s.newest = at
	}
	if amount == 0 || entry.restates() {
		return nil
	}
	if entry.UserID.Value == "" {
		return errors.New("a charge without a user")
	}
	key := dayKey{at.Truncate(24 * time.Hour), entry.UserID.Value}
	day := s.days[key]
	if day == nil {
		day = &provider.DayUsage{Day: key.day, Author: key.author}
		s.days[key] = day
	}
	if refund {
		day.Refunded += amount
	} else {
		day.Charged += amount
	}
	return nil
}

func (s *usageSums) sorted() provider.Usages {
	usages := provider.Usages{Newest: s.newest}
	for _, day := range s.days {
		usages.Days = append(usages.Days, *day)
	}
	slices.SortFunc(usages.Days, func(a, b provider.DayUsage) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Author, b.Author))
	})
	return usages
}
