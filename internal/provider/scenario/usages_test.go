package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

var (
	usagesFrom = time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	usagesTo   = time.Date(2026, 11, 3, 18, 0, 0, 0, time.UTC)
)

// entry writes an entry of the activity log.
func entry(action, user, at, cost string) string {
	return fmt.Sprintf(`{"action": %q, "data": {"jobId": "job_1", "isApiKey": true}, "projectId": "p", "userId": %q, "time": %q, "creativeUnitsCost": %s}`,
		action, user, at, cost)
}

// pages serves each page of entries under the offset at which it begins.
func pages(t *testing.T, asked *url.Values, pages ...[]string) http.HandlerFunc {
	t.Helper()
	replies, offset := map[string]string{}, 0
	for _, page := range append(pages, nil) {
		replies[fmt.Sprint(offset)] = `{"activity": [` + strings.Join(page, ", ") + `]}`
		offset += len(page)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		*asked = r.URL.Query()
		reply, ok := replies[asked.Get("activityOffset")]
		if !ok || r.Method != http.MethodGet || r.URL.Path != "/v1/usages" {
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
		answer(http.StatusOK, reply)(w, r)
	}
}

func TestUsages(t *testing.T) {
	t.Parallel()
	var asked url.Values
	server := serve(t, pages(t, &asked,
		[]string{
			entry("custom", "apiu_b", "2026-11-03T18:00:00.000Z", "100"), // not before the end
			entry("custom", "apiu_b", "2026-11-03T17:59:59.999Z", "10.75"),
			entry("refunds", "apiu_a", "2026-11-03T00:00:00.000Z", "9.1"),
			entry("refunds", "apiu_a", "2026-11-03T00:00:00.000Z", "-0.1"),
			entry("custom", "apiu_a", "2026-11-03T00:00:00.000Z", "-0.1"),
			entry("creative-unit-cost", "apiu_a", "2026-11-02T23:59:59.000Z", "500"),
		},
		[]string{
			entry("custom", "apiu_a", "2026-11-02T23:59:59.999Z", "0.1"),
			entry("upscale", "apiu_a", "2026-11-02T01:00:00+01:00", "0.2"),
			`{"action": "delete-asset", "time": "2026-11-02T00:00:00Z", "userId": 7}`,
			entry("custom", "", "2026-11-02T00:00:00Z", "0"),
		},
		[]string{
			entry("custom", "apiu_a", "2026-11-01T06:00:00.000Z", `"16"`),
			entry("custom", "apiu_a", "2026-11-01T05:59:59.999Z", "100"), // before the begin
		},
	))
	client, err := New(Options{BaseURL: server.URL, Key: testKey, Secret: testSecret, Project: "proj_a"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	got, err := client.Usages(t.Context(), usagesFrom, usagesTo)
	if err != nil {
		t.Fatal(err)
	}
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	want := provider.Usages{
		Days: []provider.DayUsage{
			{Day: day(1), Author: "apiu_a", Charged: 16000},
			{Day: day(2), Author: "apiu_a", Charged: 300},
			{Day: day(3), Author: "apiu_a", Refunded: 9300},
			{Day: day(3), Author: "apiu_b", Charged: 10750},
		},
		Newest: time.Date(2026, 11, 3, 17, 59, 59, 999e6, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("usages (-want +got):\n%s", diff)
	}
	query := url.Values{
		"type": {"activity"}, "startDate": {"2026-11-01T06:00:00.000Z"}, "endDate": {"2026-11-03T18:00:00.000Z"},
		"activityOffset": {"12"}, "projectId": {"proj_a"}, "projectIds": {"proj_a"},
	}
	if diff := cmp.Diff(query, asked); diff != "" {
		t.Errorf("last query (-want +got):\n%s", diff)
	}
}

func TestUsagesOfUnknownShape(t *testing.T) {
	t.Parallel()
	const at = "2026-11-02T00:00:00Z"
	for name, body := range map[string]string{
		"not JSON":               "<html>maintenance</html>",
		"a list":                 `[]`,
		"no activity":            `{"usages": [{"cu": 3}]}`,
		"activity is null":       `{"activity": null}`,
		"activity is an object":  `{"activity": {"total": 3}}`,
		"entries are numbers":    `{"activity": [3]}`,
		"an entry without time":  `{"activity": [{"action": "custom", "userId": "a", "creativeUnitsCost": 1}]}`,
		"an entry without user":  `{"activity": [` + entry("custom", "", at, "1") + `]}`,
		"a cost that is a list":  `{"activity": [` + entry("custom", "a", at, "[1]") + `]}`,
		"a cost that is a word":  `{"activity": [` + entry("custom", "a", at, `"dear"`) + `]}`,
		"the same page for ever": `{"activity": [` + entry("custom", "a", at, "1") + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, answer(http.StatusOK, body)).URL)
			got, err := client.Usages(t.Context(), usagesFrom, usagesTo)
			if err == nil || !strings.Contains(err.Error(), "the provider's usages are in a shape that this version does not know") {
				t.Errorf("got %v", err)
			}
			if len(got.Days) > 0 || !got.Newest.IsZero() {
				t.Errorf("with an error came %+v", got)
			}
		})
	}
}

func TestUsagesOfNoTime(t *testing.T) {
	t.Parallel()
	client := clientOf(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("nothing should be asked")
	}))
	for _, span := range []time.Duration{0, -time.Second, MaxUsagesSpan + 1} {
		if _, err := client.Usages(t.Context(), usagesFrom, usagesFrom.Add(span)); !errors.Is(err, job.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", span, err)
		}
	}
}
