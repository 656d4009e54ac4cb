package simulator_test

import (
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

// usages returns action and cost of the entries that a query finds.
func (b *bench) usages(query string) (found []any) {
	b.t.Helper()
	got := b.get("/v1/usages?" + query)
	if got.status != 200 {
		b.t.Fatalf("%q was answered with %d %v", query, got.status, got.body)
	}
	entries, _ := got.body["activity"].([]any)
	for _, entry := range entries {
		found = append(found, at(entry, "action"), at(entry, "creativeUnitsCost"))
	}
	return found
}

func TestUsageEntries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := []simulator.Key{{Key: "a", Secret: "s"}, {Key: "b", Secret: "s"}, {Key: "other", Secret: "s", Project: "proj_b"}}
		b := setup(t, simulator.Options{Keys: keys, Latency: fixed(10 * time.Second)}).as("a:s")
		b.faults(simulator.Fault{Kind: simulator.FaultFailGeneration, Next: 1})
		began := time.Now()
		id := b.generate("fails")
		time.Sleep(5 * time.Second)
		b.as("b:s").generate("succeeds")
		b.as("other:s").generate("elsewhere")
		time.Sleep(10 * time.Second)
		entry := func(action, job, user string, after time.Duration) map[string]any {
			return map[string]any{
				"action": action, "projectId": "proj_sim", "userId": user, "creativeUnitsCost": 10.75,
				"time": began.Add(after).UTC().Format("2006-01-02T15:04:05.000Z"),
				"data": map[string]any{"jobId": job, "modelId": "model_bfl-flux-1-dev", "isApiKey": true},
			}
		}
		want := map[string]any{"activity": []any{
			entry("refunds", id, "apiu_a", 10*time.Second),
			entry("custom", b.sim.Ledger()[1].JobID, "apiu_b", 5*time.Second),
			entry("custom", id, "apiu_a", 0),
		}}
		if diff := cmp.Diff(want, b.get("/v1/usages").body); diff != "" {
			t.Errorf("usages (-want +got):\n%s", diff)
		}
	})
}

// TestUsageQueries: the log has charges at 0 s and 3000 s and a refund at 3010 s,
// and is read at 3 h.
func TestUsageQueries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: fixed(10 * time.Second)})
		began := time.Now()
		b.generate("old")
		time.Sleep(3000 * time.Second)
		b.faults(simulator.Fault{Kind: simulator.FaultFailGeneration, Next: 1})
		b.generate("fails")
		time.Sleep(3*time.Hour - 3000*time.Second)
		dates := func(from, to time.Duration) string {
			format := func(after time.Duration) string { return began.Add(after).UTC().Format(time.RFC3339Nano) }
			return url.Values{"startDate": {format(from)}, "endDate": {format(to)}}.Encode()
		}
		day := func(days int) string { return began.AddDate(0, 0, days).UTC().Format(time.DateOnly) }
		charge, refund := []any{"custom", 10.75}, []any{"refunds", 10.75}
		all := []any{"refunds", 10.75, "custom", 10.75, "custom", 10.75}
		for query, want := range map[string][]any{
			"":                                                 all,
			"timeRange=last-day":                               all,
			"timeRange=last-thirty-one-days":                   all,
			"timeRange=last-hour":                              nil,
			dates(0, time.Second):                              charge,
			dates(time.Nanosecond, 3000*time.Second):           nil,
			dates(3001*time.Second, 3010*time.Second):          nil,
			dates(3001*time.Second, 3011*time.Second):          refund,
			dates(0, 3011*time.Second) + "&timeRange=nonsense": all,
			"startDate=" + day(0) + "&endDate=" + day(1):       all,
			"startDate=" + day(1) + "&endDate=" + day(2):       nil,
			"type=activity":                                    all,
			"type=usages,activity":                             all,
			"type=nonsense":                                    all,
			"type=usages":                                      nil,
			"projectIds=proj_sim":                              all,
			"activityOffset=2":                                 charge,
			"activityOffset=3":                                 nil,
			"activityOffset=-1":                                all,
			"activityOffset=1&type=consumption":                nil,
		} {
			if diff := cmp.Diff(want, b.usages(query)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", query, diff)
			}
		}
		for query, complaint := range map[string]string{
			"timeRange=last-year":                          "Input timeRange must be one of last-hour, last-day, last-three-days, last-seven-days, last-thirty-one-days",
			"startDate=" + day(0):                          "Input endDate is required",
			"endDate=" + day(0):                            "Input startDate is required",
			"startDate=" + day(0) + "&endDate=tomorrow":    "Input endDate must be a date",
			"startDate=yesterday&endDate=" + day(0):        "Input startDate must be a date",
			"startDate=" + day(1) + "&endDate=" + day(1):   "Input endDate must be after startDate",
			"startDate=" + day(0) + "&endDate=" + day(121): "The time range must be at most 120 days",
		} {
			if diff := cmp.Diff(reply{400, why(complaint)}, b.get("/v1/usages?"+query), cmp.AllowUnexported(reply{})); diff != "" {
				t.Errorf("%q (-want +got):\n%s", query, diff)
			}
		}
		if got := b.get("/v1/usages?projectIds=proj_sim,proj_b"); got.status != 403 {
			t.Errorf("the usages of another project were answered with %d", got.status)
		}
	})
}

// TestUsagePages: a page holds a hundred entries.
func TestUsagePages(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant, RequestsPerMinute: simulator.Unlimited})
	for range 130 {
		b.generate("a")
	}
	for offset, want := range map[int]int{0: 100, 100: 30, 130: 0, 99: 31} {
		if got := len(b.usages(fmt.Sprintf("activityOffset=%d", offset))) / 2; got != want {
			t.Errorf("%d entries from %d, want %d", got, offset, want)
		}
	}
}

// TestUsageLag: an entry appears so long after it happened, not earlier.
func TestUsageLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: fixed(10 * time.Second), UsageLag: time.Minute, ClockSkew: -time.Hour})
		b.faults(simulator.Fault{Kind: simulator.FaultFailGeneration, Next: 1})
		b.generate("fails")
		time.Sleep(time.Minute - time.Nanosecond)
		before := b.usages("")
		time.Sleep(time.Nanosecond)
		charged := b.usages("")
		time.Sleep(10 * time.Second)
		refunded := b.usages("")
		want := [][]any{nil, {"custom", 10.75}, {"refunds", 10.75, "custom", 10.75}}
		if diff := cmp.Diff(want, [][]any{before, charged, refunded}); diff != "" {
			t.Errorf("usages just before, at and 10 s after a minute (-want +got):\n%s", diff)
		}
		if paid := b.sim.Totals(); paid.Charged != 10750 || paid.Refunded != 10750 {
			t.Errorf("totals %+v", paid)
		}
	})
}
