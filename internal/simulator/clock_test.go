package simulator_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

// TestClockSkew: all that the API tells is by its clock; the ledger and the life of
// links are by the true one.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, -90 * time.Second, 2 * time.Minute, 3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t, simulator.Options{ClockSkew: skew, Latency: fixed(10 * time.Second), LinkLifetime: time.Minute})
			began := time.Now()
			id := b.generate("a")
			time.Sleep(10 * time.Second)
			ended := time.Now()
			stamp := func(at time.Time) string { return at.Add(skew).UTC().Format("2006-01-02T15:04:05.000Z") }

			record := b.job(id)
			history := record["statusHistory"].([]any)
			asset := b.asset(b.assets(id)[0])
			list := b.get("/v1/jobs").body["jobs"].([]any)[0]
			usage := b.get("/v1/usages").body["activity"].([]any)[0]
			want := []any{stamp(began), stamp(ended), stamp(began), stamp(ended), stamp(ended), stamp(began), stamp(began)}
			got := []any{
				record["createdAt"], record["updatedAt"], at(history[0], "date"), at(history[len(history)-1], "date"),
				asset["createdAt"], at(list, "createdAt"), at(usage, "time"),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: times of job, history, asset, list and usages (-want +got):\n%s", skew, diff)
			}
			if entry := b.sim.Ledger()[0]; !entry.Accepted.Equal(began) || !entry.Ended.Equal(ended) {
				t.Errorf("%s: the ledger has %s to %s", skew, entry.Accepted, entry.Ended)
			}
			for text, count := range map[string]int{stamp(ended.Add(-time.Second)): 1, stamp(ended): 0} {
				rows := b.get("/v1/assets?sortBy=createdAt&createdAfter=" + url.QueryEscape(text)).body["assets"].([]any)
				if len(rows) != count {
					t.Errorf("%s: %d assets after %s, want %d", skew, len(rows), text, count)
				}
			}
			time.Sleep(59 * time.Second)
			fresh, _, _, freshErr := b.download(asset["url"].(string))
			time.Sleep(time.Second)
			stale, _, _, staleErr := b.download(asset["url"].(string))
			if fresh != 200 || stale != 403 || freshErr != nil || staleErr != nil {
				t.Errorf("%s: the link answered %d after 59 s and %d after 60 s; %v, %v", skew, fresh, stale, freshErr, staleErr)
			}
		})
	}
}

// TestDateOfReplies: every reply has one, whole seconds cut down, refusals and the
// in-memory transport included.
func TestDateOfReplies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{ClockSkew: -90 * time.Second})
		time.Sleep(5900 * time.Millisecond)
		want := time.Now().Add(-90*time.Second - 900*time.Millisecond).UTC().Format(http.TimeFormat)
		for path, status := range map[string]int{"/v1/jobs": 401, "/v1/nothing": 401, "/_sim/health": 200, "/cdn/assets/a": 403} {
			response, err := b.client.Get("http://sim.test" + path)
			if err != nil {
				t.Fatal(err)
			}
			if err := response.Body.Close(); err != nil {
				t.Error(err)
			}
			if date := response.Header.Get("Date"); date != want || response.StatusCode != status {
				t.Errorf("%s answered %d with date %q, want %d and %q", path, response.StatusCode, date, status, want)
			}
		}
	})
}
