package simulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

// TestRevokedKey: a key that is revoked amid its work answers 401, its job runs on,
// and everything is as before when it is restored.
func TestRevokedKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := []simulator.Key{{Key: "night", Secret: "s"}, {Key: "bare"}}
		b := setup(t, simulator.Options{Keys: keys, Latency: fixed(time.Minute)}).as("night:s")
		id := b.generate("under way")
		got := b.must("POST", "/_sim/keys", `{"revoke": "night"}`)
		want := reply{200, map[string]any{"keys": []any{
			map[string]any{"key": "night", "revoked": true}, map[string]any{"key": "bare", "revoked": false},
		}}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("revoke (-want +got):\n%s", diff)
		}
		for _, path := range []string{"/v1/jobs/" + id, "/v1/jobs", "/v1/usages"} {
			if got := b.get(path); got.status != 401 {
				t.Errorf("%s answered %d to a revoked key", path, got.status)
			}
		}
		if got := b.must("POST", fluxPath, small); got.status != 401 {
			t.Errorf("a paid call was answered with %d", got.status)
		}
		time.Sleep(time.Minute)
		if job := b.as("bare:").job(id); job["status"] != "success" {
			t.Errorf("another key sees the job as %v", job["status"])
		}
		b.must("POST", "/_sim/keys", `{"restore": "night"}`)
		if job := b.job(id); job["status"] != "success" || job["authorId"] != "apiu_night" {
			t.Errorf("the restored key sees %v", job)
		}
		b.generate("after it was restored")
	})
}

func TestRevokeRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	const usage = `Want {"revoke": name} or {"restore": name}`
	for body, complaint := range map[string]string{
		`{"revoke": "nobody"}`: `key "nobody" is not known`, `{"restore": "nobody"}`: `key "nobody" is not known`,
		`{}`: usage, `{"revoke": "sim", "restore": "sim"}`: usage, `{"delete": "sim"}`: usage, `[]`: usage,
	} {
		if diff := cmp.Diff(reply{400, why(complaint)}, b.must("POST", "/_sim/keys", body), cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	b.generate("still known")
}
