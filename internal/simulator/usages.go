package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
)

// usageEntry is an entry of the activity log. Scenario API: documented, never seen
// live; that a refund is a positive amount is our own reading.
type usageEntry struct {
	Action            string    `json:"action"` // custom or refunds
	Data              usageData `json:"data"`
	ProjectID         string    `json:"projectId"`
	Time              string    `json:"time"`
	UserID            string    `json:"userId"` // the key's id
	CreativeUnitsCost job.CU    `json:"creativeUnitsCost"`

	at time.Time // by the API's clock
}

type usageData struct {
	JobID    string `json:"jobId"`
	ModelID  string `json:"modelId"`
	IsAPIKey bool   `json:"isApiKey"`
}

// usagePage is how many entries one reply holds. Scenario API: there is an offset,
// the length of pages is not said.
const usagePage = 100

// maxUsageSpan is the longest time that can be asked about. Scenario API: 120 days.
const maxUsageSpan = 120 * 24 * time.Hour

// usageRanges are the values of timeRange.
var usageRanges = []struct {
	name string
	span time.Duration
}{
	{"last-hour", time.Hour},
	{"last-day", 24 * time.Hour},
	{"last-three-days", 3 * 24 * time.Hour},
	{"last-seven-days", 7 * 24 * time.Hour},
	{"last-thirty-one-days", 31 * 24 * time.Hour},
}

// usageQuery is what the usages are asked for.
type usageQuery struct {
	from, to time.Time // by the API's clock, to not included
	activity bool
	users    []string // ids of keys; none means all
	offset   int
}

// listUsages answers GET /usages with the charges and refunds of the project,
// newest first. Of the six types of data it has the activity alone.
func (s *Simulator) listUsages(r *http.Request, key *Key) *reply {
	now := time.Now()
	query, refused := readUsageQuery(r.URL.Query(), key, s.told(now))
	if refused != nil {
		return refused
	}
	body := map[string]any{}
	if query.activity {
		entries := s.usageEntries(key, query, now)
		start := min(query.offset, len(entries))
		body["activity"] = entries[start:min(start+usagePage, len(entries))]
	}
	return ok(body)
}

// usageEntries are those that happened in the time that is asked for, as far as
// they have reached the log.
func (s *Simulator) usageEntries(key *Key, query usageQuery, now time.Time) []usageEntry {
	entries := []usageEntry{}
	add := func(r *run, action string, amount job.CU, at time.Time) {
		told := s.told(at)
		if told.Before(query.from) || !told.Before(query.to) || at.Add(s.options.UsageLag).After(now) {
			return
		}
		entries = append(entries, usageEntry{
			Action: action, Data: usageData{r.id, r.model.ID, true}, ProjectID: r.key.Project,
			Time: s.stamp(at), UserID: r.key.ID, CreativeUnitsCost: amount, at: told,
		})
	}
	for _, run := range s.book.ofTenant(key) {
		if run.upload != nil || !oneOf(query.users, run.key.ID) {
			continue // an upload costs nothing
		}
		add(run, "custom", run.charge.total(), run.accepted)
		if run.ended(now) && run.refund() > 0 {
			add(run, "refunds", run.refund(), run.ends())
		}
	}
	slices.Reverse(entries)
	slices.SortStableFunc(entries, func(a, b usageEntry) int { return b.at.Compare(a.at) })
	return entries
}

// readUsageQuery reads the query. Scenario API: startDate and endDate go together
// and win over timeRange; a bad type means all types, a bad offset none. The words
// of refusals and the standard range are the simulator's own.
func readUsageQuery(query url.Values, key *Key, now time.Time) (usageQuery, *reply) {
	if list := query.Get("projectIds"); list != "" {
		for id := range strings.SplitSeq(list, ",") {
			if id != key.Project {
				return usageQuery{}, message(http.StatusForbidden, "This API key does not belong to the project %s", id)
			}
		}
	}
	asked := usageQuery{activity: wantsActivity(query.Get("type")), users: commaLists(query["userIds"])}
	if offset, err := strconv.Atoi(query.Get("activityOffset")); err == nil {
		asked.offset = max(0, offset)
	}
	var refused *reply
	if query.Get("startDate") != "" || query.Get("endDate") != "" {
		asked.from, asked.to, refused = readDates(query.Get("startDate"), query.Get("endDate"))
	} else {
		asked.from, asked.to, refused = readTimeRange(query.Get("timeRange"), now)
	}
	return asked, refused
}

// wantsActivity reads a comma list of types.
func wantsActivity(list string) bool {
	known := []string{"usages", "activity", "consumption", "model-usages", "asset-usages", "nsfw-usages"}
	all := true
	for name := range strings.SplitSeq(list, ",") {
		if name == "activity" {
			return true
		}
		all = all && !slices.Contains(known, name)
	}
	return all
}

func readDates(start, end string) (from, to time.Time, refused *reply) {
	from, startErr := parseDate(start)
	to, endErr := parseDate(end)
	switch {
	case start == "":
		refused = reason(http.StatusBadRequest, "Input startDate is required")
	case end == "":
		refused = reason(http.StatusBadRequest, "Input endDate is required")
	case startErr != nil:
		refused = reason(http.StatusBadRequest, "Input startDate must be a date")
	case endErr != nil:
		refused = reason(http.StatusBadRequest, "Input endDate must be a date")
	case !from.Before(to):
		refused = reason(http.StatusBadRequest, "Input endDate must be after startDate")
	case to.Sub(from) > maxUsageSpan:
		refused = reason(http.StatusBadRequest, "The time range must be at most 120 days")
	}
	return from, to, refused
}

// parseDate reads a moment or a day, which stands for its begin.
func parseDate(text string) (time.Time, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at, nil
	}
	return time.Parse(time.RFC3339, text)
}

func readTimeRange(name string, now time.Time) (from, to time.Time, refused *reply) {
	names := make([]string, len(usageRanges))
	for i, known := range usageRanges {
		// Up to now and with it: an entry of this moment counts.
		if known.name == name || (name == "" && i == len(usageRanges)-1) {
			return now.Add(-known.span), now.Add(time.Nanosecond), nil
		}
		names[i] = known.name
	}
	return from, to, reason(http.StatusBadRequest, "Input timeRange must be one of %s", strings.Join(names, ", "))
}
