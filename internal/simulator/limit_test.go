package simulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

const planReason = "You have reached your plan's limit. Please upgrade your plan to continue using this feature."

func planLimit(action, scope string, limit, value float64) map[string]any {
	return map[string]any{
		"reason": planReason, "name": "PlanLimitReachedError",
		"details": map[string]any{"actionName": action, "actionLimit": limit, "actionValue": value, "limitScope": scope},
	}
}

const small = `{"prompt":"a","width":128,"height":128}`

// TestParallelCeiling: what is over the ceiling is refused and costs nothing, and
// a slot is free again when a job ends.
func TestParallelCeiling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Parallel: 2, Latency: fixed(10 * time.Second)})
		b.generate("one")
		time.Sleep(4 * time.Second)
		b.generate("two")
		got := b.must("POST", fluxPath, small)
		if diff := cmp.Diff(reply{429, planLimit("parallel-custom-jobs", "team", 2, 2)}, got, cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("third job (-want +got):\n%s", diff)
		}
		if dry := b.must("POST", fluxPath+"?dryRun=true", small); dry.status != statusDryRun {
			t.Errorf("a dry run was answered with %d at the ceiling", dry.status)
		}
		time.Sleep(6 * time.Second)
		b.generate("three")
		if totals := b.sim.Totals(); totals.Accepted != 3 || totals.Running != 2 || totals.Charged != 3*10750 {
			t.Errorf("totals %+v", totals)
		}
	})
}

// TestRequestRate: the hundred-and-first call of a minute gets the gateway's plain
// answer, and calls of the first second are forgotten after a minute.
func TestRequestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{RequestsPerMinute: 3})
		for range 3 {
			if got := b.get("/v1/jobs"); got.status != 200 {
				t.Fatalf("answered %d within the rate", got.status)
			}
			time.Sleep(time.Second)
		}
		want := reply{429, map[string]any{"message": "Too Many Requests"}}
		if diff := cmp.Diff(want, b.get("/v1/jobs"), cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("fourth call (-want +got):\n%s", diff)
		}
		time.Sleep(57 * time.Second)
		if got := b.get("/v1/jobs"); got.status != 200 {
			t.Errorf("answered %d a minute after the first call", got.status)
		}
		if got := b.get("/v1/jobs"); got.status != 429 {
			t.Errorf("answered %d, though three calls lie within the last minute", got.status)
		}
	})
}

// TestAllowances: a key's cap and a team's allowance are decided on the price
// against what is left, and refunds give room back.
func TestAllowances(t *testing.T) {
	t.Parallel()
	keys := []simulator.Key{
		{Key: "capped", Secret: "s", CUCap: 15000, TeamAllowance: 40000},
		{Key: "free", Secret: "s", TeamAllowance: 40000},
	}
	b := setup(t, simulator.Options{Keys: keys, Latency: instant})
	capped, free := b.as("capped:s"), b.as("free:s")
	capped.generate("one")
	got := capped.must("POST", fluxPath, small)
	if diff := cmp.Diff(reply{429, planLimit("custom-generation", "key", 15, 10.75)}, got, cmp.AllowUnexported(reply{})); diff != "" {
		t.Errorf("over the key's cap (-want +got):\n%s", diff)
	}
	cheap := capped.must("POST", "/v1/generate/custom/model_sim-panorama", `{"prompt":"a"}`)
	if cheap.status != 200 {
		t.Errorf("a request that fits into the rest of the cap was answered with %d", cheap.status)
	}
	free.faults(simulator.Fault{Kind: simulator.FaultFailGeneration, Next: 1})
	free.generate("refunded")
	free.generate("two")
	free.generate("three")
	got = free.must("POST", fluxPath, small)
	if diff := cmp.Diff(reply{429, planLimit("custom-generation", "team", 40, 36.25)}, got, cmp.AllowUnexported(reply{})); diff != "" {
		t.Errorf("over the team's allowance (-want +got):\n%s", diff)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	keys := []simulator.Key{
		{Key: "reader", Secret: "s", Scopes: []string{"jobs.read"}},
		{Key: "poor", Secret: "s", Plan: "free", Project: "proj_b"},
		{Key: "bare"},
	}
	b := setup(t, simulator.Options{Keys: keys})
	restricted := map[string]any{
		"reason": "You are not allowed to use this model with your plan", "name": "ModelAccessRestrictedError",
		"details": map[string]any{"currentPlan": "free", "requiredPlan": "cu-basic", "modelId": "model_bfl-flux-2-dev"},
	}
	for name, test := range map[string]struct {
		key, method, path string
		want              reply
	}{
		"wrong secret":  {"reader:x", "GET", "/v1/jobs", reply{401, map[string]any{"message": "Unauthorized"}}},
		"unknown key":   {"nobody:s", "GET", "/v1/jobs", reply{401, map[string]any{"message": "Unauthorized"}}},
		"missing scope": {"reader:s", "POST", fluxPath, reply{403, map[string]any{"message": "This API key does not have the scope jobs.write"}}},
		"with scope":    {"reader:s", "GET", "/v1/jobs", reply{200, map[string]any{"jobs": []any{}}}},
		"empty secret":  {"bare:", "GET", "/v1/jobs", reply{200, map[string]any{"jobs": []any{}}}},
		"model outside the plan": {
			"poor:s", "POST", "/v1/generate/custom/model_bfl-flux-2-dev", reply{403, restricted},
		},
		"dry run outside the plan": {
			"poor:s", "POST", "/v1/generate/custom/model_bfl-flux-2-dev?dryRun=true", reply{403, restricted},
		},
		"another project": {
			"poor:s", "GET", "/v1/jobs?projectId=proj_a",
			reply{403, map[string]any{"message": "This API key does not belong to the project proj_a"}},
		},
		"own project": {"poor:s", "GET", "/v1/jobs?projectId=proj_b", reply{200, map[string]any{"jobs": []any{}}}},
		"old route": {
			"bare:", "POST", "/v1/generate/txt2img", reply{410, why("SD 1.5 and SDXL inference is no longer available")},
		},
		"no route": {"bare:", "GET", "/v1/nothing", reply{404, map[string]any{"message": "Not Found"}}},
	} {
		got := b.as(test.key).must(test.method, test.path, small)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestWorldsAreApart: a key sees the jobs of its own project and mode only.
func TestWorldsAreApart(t *testing.T) {
	t.Parallel()
	keys := []simulator.Key{
		{Key: "test", Secret: "s"}, {Key: "mate", Secret: "s"},
		{Key: "live", Secret: "s", Mode: "live"}, {Key: "other", Secret: "s", Project: "proj_b"},
	}
	b := setup(t, simulator.Options{Keys: keys, Latency: instant})
	id := b.as("test:s").generate("mine")
	asset := b.as("test:s").assets(id)[0]
	have := map[string][2]int{}
	for _, name := range []string{"test", "mate", "live", "other"} {
		have[name] = [2]int{b.as(name + ":s").get("/v1/jobs/" + id).status, b.as(name + ":s").get("/v1/assets/" + asset).status}
	}
	want := map[string][2]int{"test": {200, 200}, "mate": {200, 200}, "live": {404, 404}, "other": {404, 404}}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("job and asset by key (-want +got):\n%s", diff)
	}
}

// TestPeaks: the most jobs of a team at one moment and the most calls of a project
// in any minute are kept, also where there is no limit.
func TestPeaks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := []simulator.Key{
			{Key: "a", Secret: "s"}, {Key: "b", Secret: "s", Project: "proj_b"}, {Key: "c", Secret: "s", Team: "team_c", Project: "proj_c"},
		}
		b := setup(t, simulator.Options{
			Keys: keys, Latency: fixed(40 * time.Second),
			Parallel: simulator.Unlimited, RequestsPerMinute: simulator.Unlimited,
		})
		one, two := b.as("a:s"), b.as("b:s")
		one.generate("0 s")
		time.Sleep(30 * time.Second)
		one.generate("30 s")
		two.generate("30 s")
		time.Sleep(10 * time.Second)
		two.generate("40 s, and the first has just ended")
		time.Sleep(19 * time.Second)
		one.get("/v1/jobs") // at 59 s, the third within a minute
		time.Sleep(time.Second)
		one.get("/v1/jobs") // at 60 s the first has left the minute
		time.Sleep(time.Hour)
		one.get("/v1/jobs")
		totals := b.sim.Totals()
		if diff := cmp.Diff(map[string]int{"team_sim": 3, "team_c": 0}, totals.PeakRunning); diff != "" {
			t.Errorf("running (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]int{"proj_sim": 3, "proj_b": 2, "proj_c": 0}, totals.PeakRequests); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// TestPeaksStayWithinTheLimits: what is refused for a limit does not count.
func TestPeaksStayWithinTheLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Parallel: 2, RequestsPerMinute: 5, Latency: fixed(time.Hour)})
	for range 9 {
		b.must("POST", fluxPath, small)
	}
	totals := b.sim.Totals()
	if totals.PeakRunning["team_sim"] != 2 || totals.PeakRequests["proj_sim"] != 5 {
		t.Errorf("peaks %v and %v, want 2 and 5", totals.PeakRunning, totals.PeakRequests)
	}
}
