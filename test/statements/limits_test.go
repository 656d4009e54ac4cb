package statements

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nightshift/internal/simulator"
)

// manifest is one of a mode with so many jobs of one image.
func manifest(mode string, jobs int) string {
	return fmt.Sprintf("version: 1\nname: m\nmode: %s\nmodel: model_bfl-flux-1-dev\nprompt: a potion\n"+
		"defaults: {parameters: {width: 128, height: 128}}\naxes: {product: {seed: 1..%d}}\n", mode, jobs)
}

// keysFile is one with a key of a mode in the pool default.
func keysFile(mode, more string) string {
	return "version: 1\npools:\n  default:\n    - {id: studio, mode: " + mode + ", key: {env: SCENARIO_API_KEY}, secret: {env: SCENARIO_API_SECRET}" + more + "}\n"
}

// fullRate is the API as it is documented, with inferences that take half a minute.
var fullRate = simulator.Options{Parallel: 100, Latency: simulator.Between(30*time.Second, 30*time.Second)}

func requestsInAnyMinute(b *bed) {
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", manifest("test", 250))), 0, "250 images made")
	b.neverMore(simulator.DefaultRequestsPerMinute)
}

func requestsOfAKeysFile(b *bed) {
	keys := func(most int) []string {
		return []string{"NIGHTSHIFT_KEYS=" + b.write("keys.yaml", keysFile("test", fmt.Sprintf(", url: \"http://simulator/v1\", limits: {requests_per_minute: %d}", most)))}
	}
	b.wants(b.enqueue(keys(9), "run", b.write("m.yaml", manifest("test", 60))), 2, "requests_per_minute")
	b.nothingPaid()
	b.wants(b.enqueue(keys(25), "run", b.write("m.yaml", manifest("test", 60))), 0, "60 images made")
	b.neverMore(25)
}

// neverMore checks that no minute had more requests, that the API saw so many, and that it
// refused none.
func (b *bed) neverMore(most int) {
	b.t.Helper()
	totals := b.sim.Totals()
	for project, peak := range totals.PeakRequests {
		if peak > most || peak < most*9/10 {
			b.t.Errorf("project %s had %d requests in a minute, want nearly %d and no more", project, peak, most)
		}
	}
	if totals.RateLimited > 0 || len(totals.PeakRequests) == 0 {
		b.t.Errorf("%d requests were refused for the rate, of %v", totals.RateLimited, totals.PeakRequests)
	}
}

// jobsOfAMinute counts in the minutes in which the rate decides.
func jobsOfAMinute(b *bed) {
	began := time.Now()
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", manifest("test", 500))), 0, "500 images made")
	ended := 0
	for _, e := range b.sim.Ledger() {
		if at := e.Ended.Sub(began); at > 90*time.Second && at <= 270*time.Second {
			ended++
		}
	}
	if a := float64(ended) / 3; a < 85 || a > 95 {
		b.t.Errorf("%.1f jobs a minute", a)
	}
}

func testBatchOnLiveKeys(b *bed) {
	for _, c := range [][2]string{{"live", "test"}, {"test", "live"}} {
		keys := keysFile(c[0], ", url: \"http://simulator/v1\"")
		e := b.enqueue([]string{"NIGHTSHIFT_KEYS=" + b.write("keys.yaml", keys)}, "run", "--yes", b.write("m.yaml", manifest(c[1], 1)))
		b.wants(e, 2, c[1])
	}
	b.nothingPaid()
}

func testKeysNeedAnAddress(b *bed) {
	file := b.write("m.yaml", manifest("test", 1))
	for _, more := range []string{"", ", url: \"https://api.cloud.scenario.com/v1\""} {
		b.wants(b.enqueue([]string{"NIGHTSHIFT_KEYS=" + b.write("keys.yaml", keysFile("test", more))}, "run", file), 2, "keys.yaml:4:")
	}
	b.nothingPaid()
}

// missingScopes runs with keys of which each lacks one scope.
func missingScopes(t *testing.T) {
	t.Helper()
	scopes := []string{"models.read", "jobs.read", "jobs.write", "assets.read"} // as the simulator names them
	for _, missing := range scopes {
		inBed(simulator.Options{Keys: []simulator.Key{{Key: "sim", Secret: "sim", Scopes: without(scopes, missing)}}}, func(b *bed) {
			file := b.write("m.yaml", manifest("test", 1))
			b.wants(b.enqueue(nil, "run", file), 2, missing)
			bucket := []string{"NIGHTSHIFT_BUCKET=file://" + b.folder + "/bucket"}
			b.wants(b.enqueue(bucket, "submit", file), 2, missing)
			b.nothingPaid()
		})(t)
	}
}

func without(list []string, one string) (rest []string) {
	for _, s := range list {
		if !strings.EqualFold(s, one) {
			rest = append(rest, s)
		}
	}
	return rest
}

// studioKey is an API with a key that is not that of a simulator.
var studioKey = simulator.Options{Keys: []simulator.Key{{Key: "studio", Secret: "secret-of-studio"}}}

func liveKeyForTest(b *bed) {
	studio := []string{"SCENARIO_API_KEY=studio", "SCENARIO_API_SECRET=secret-of-studio"}
	b.wants(b.enqueue(studio, "run", "--yes", b.write("live.yaml", strings.Replace(manifest("live", 1), "name: m", "name: live", 1))), 0, "1 image made")
	b.wants(b.enqueue(studio, "run", b.write("m.yaml", manifest("test", 1))), 2, "is the one with which the live batch live was made")
	if n := b.sim.Totals().Accepted; n != 1 {
		b.t.Errorf("%d requests were accepted", n)
	}
}
