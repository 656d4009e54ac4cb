package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

// writeFile puts a file into a folder that may not be there yet.
func writeFile(tb testing.TB, path, content string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// readKeysText reads a keys file of this content.
func readKeysText(tb testing.TB, content string, environ ...string) (*Keys, error) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "keys.yaml")
	writeFile(tb, path, content)
	return ReadKeys(path, environ)
}

// show writes keys with their secrets, which other ways of printing hide.
func show(k *Keys) map[string]any {
	shown := map[string]any{"projects": k.Projects, "teams": k.Teams, "batches": k.Batches}
	for name, pool := range k.Pools {
		for _, key := range pool {
			shown["pool "+name+" "+key.ID] = []any{key, key.Key.Reveal(), key.Secret.Reveal()}
		}
	}
	return shown
}

var sameZone = cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })

// exampleKeys reads deploy/keys.example.yaml with the secrets that it refers to.
func exampleKeys(t *testing.T) *Keys {
	t.Helper()
	content, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "keys.yaml"), string(content))
	writeFile(t, filepath.Join(folder, "secrets", "studio-b-key"), "key-b\n")
	writeFile(t, filepath.Join(folder, "secrets", "studio-b-secret"), " secret\nb \r\n")
	keys, err := ReadKeys(filepath.Join(folder, "keys.yaml"), []string{"STUDIO_A_KEY=key-a", "STUDIO_A_SECRET=secret=a", "SIMULATOR_KEY=sim"})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestReadKeys(t *testing.T) {
	t.Parallel()
	paris := zoneOf(t, "Europe/Paris")
	want := &Keys{
		Pools: map[string][]APIKey{
			"default": {
				{
					ID: "studio-a", Mode: job.Live, URL: LiveURL, Provider: ProviderScenario, Auth: AuthBasic, Key: "key-a", Secret: "secret=a", Project: "proj_x", Team: "team_x",
					Limits: Limits{
						RequestsPerMinute: 100, Parallel: 6, Calendar: Calendar{Zone: paris, ResetDay: 17},
						CU: CUCaps{Total: new(job.CU(10_000_000)), Day: new(job.CU(500_000)), Month: new(job.CU(8_000_000))},
					},
				},
				{ID: "studio-b", Mode: job.Live, URL: LiveURL, Provider: ProviderScenario, Auth: AuthBasic, Key: "key-b", Secret: " secret\nb ", Project: "proj_x", Team: "team_x"},
			},
			"trials": {{ID: "simulator", Mode: job.Test, URL: "http://127.0.0.1:8090/v1", Provider: ProviderScenario, Auth: AuthKeyOnly, Key: "sim"}},
		},
		Projects: map[string]Limits{"proj_x": {RequestsPerMinute: 100}},
		Teams:    map[string]Limits{"team_x": {Parallel: 6, CU: CUCaps{Month: new(job.CU(20_000_000))}, Calendar: Calendar{Zone: paris, ResetDay: 17}}},
		Batches:  map[string]Limits{"potion-icons": {CU: CUCaps{Day: new(job.CU(300_000))}, Calendar: Calendar{Zone: paris}}},
	}
	if diff := cmp.Diff(show(want), show(exampleKeys(t)), sameZone); diff != "" {
		t.Errorf("keys differ (-want +got):\n%s", diff)
	}
}

// TestReadKeysForms writes the same keys in several ways.
func TestReadKeysForms(t *testing.T) {
	t.Parallel()
	environ := []string{"A_KEY=ka", "A_SECRET=sa", "B_KEY=kb", "B_SECRET=sb"}
	plain := `
version: 1
pools:
  default:
    - {id: a, mode: live, key: {env: A_KEY}, secret: {env: A_SECRET}, limits: {cu: {day: 12.5, total: 0}, parallel: 3}}
    - {id: b, mode: live, key: {env: B_KEY}, secret: {env: B_SECRET}, limits: {cu: {day: 12.5, total: 0}, parallel: 4}}
`
	want, err := readKeysText(t, plain, environ...)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"tabbed JSON": "{\n\t\"version\": 1,\n\t\"pools\": {\"default\": [\n" +
			"\t\t{\"id\": \"a\", \"mode\": \"live\", \"url\": \"https:\\/\\/api.cloud.scenario.com/v1\", \"key\": {\"env\": \"A_KEY\"}, \"secret\": {\"env\": \"A_SECRET\"},\n" +
			"\t\t \"limits\": {\"cu\": {\"day\": 12.5, \"total\": 0}, \"parallel\": 3}},\n" +
			"\t\t{\"id\": \"\\u0062\", \"mode\": \"live\", \"key\": {\"env\": \"B_KEY\"}, \"secret\": {\"env\": \"B_SECRET\"},\n" +
			"\t\t \"limits\": {\"cu\": {\"day\": 1.25e1, \"total\": 0}, \"parallel\": 4}}]}}\n",
		"aliases": `
version: 1
pools:
  default:
    - id: a
      mode: &m live
      key: {env: A_KEY}
      secret: {env: A_SECRET}
      limits: &l {cu: &c {day: 12.5, total: 0}, parallel: 3}
    - {id: b, mode: *m, key: {env: B_KEY}, secret: {env: B_SECRET}, limits: {<<: *l, parallel: 4}}
`,
		"quotes, BOM and CRLF": "\ufeff" + strings.ReplaceAll(strings.ReplaceAll(plain, "id: a", `"id": 'a'`), "\n", "\r\n"),
	} {
		got, err := readKeysText(t, content, environ...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(show(want), show(got)); diff != "" || !got.equal(want) {
			t.Errorf("%s differs (-want +got):\n%s", name, diff)
		}
	}
}

func TestPool(t *testing.T) {
	t.Parallel()
	keys := &Keys{Pools: map[string][]APIKey{
		"default": {{ID: "a", Mode: job.Live}, {ID: "b", Mode: job.Test}, {ID: "c", Mode: job.Live}},
		"studio":  {{ID: "d", Mode: job.Live}},
	}}
	for _, test := range []struct {
		pool string
		mode job.Mode
		want string
	}{
		{"default", job.Live, "a c"}, {"", job.Live, "a c"}, {"", job.Test, "b"}, {"studio", job.Live, "d"},
	} {
		pool, err := keys.Pool(test.pool, test.mode)
		if err != nil {
			t.Errorf("pool %q, mode %s: %v", test.pool, test.mode, err)
		}
		var ids []string
		for _, key := range pool {
			ids = append(ids, key.ID)
		}
		if got := strings.Join(ids, " "); got != test.want {
			t.Errorf("pool %q, mode %s: keys %s, want %s", test.pool, test.mode, got, test.want)
		}
	}
	for _, test := range []struct {
		pool string
		mode job.Mode
		want string
	}{
		{"studoi", job.Live, `there is no pool "studoi" of API keys; did you mean studio? the keys file has default, studio`},
		{"x", job.Live, `there is no pool "x" of API keys; the keys file has default, studio`},
		{"studio", job.Test, `pool "studio" has only keys of mode live, and a test batch runs on test keys alone; ` +
			`name another pool in the manifest or add such a key to the keys file`},
	} {
		if _, err := keys.Pool(test.pool, test.mode); err == nil || err.Error() != test.want {
			t.Errorf("pool %q, mode %s:\n got %v\nwant %s", test.pool, test.mode, err, test.want)
		}
	}
}

// TestEqual changes one thing at a time.
func TestEqual(t *testing.T) {
	t.Parallel()
	if !exampleKeys(t).equal(exampleKeys(t)) {
		t.Error("two readings of one file are not equal")
	}
	for name, change := range map[string]func(k *Keys){
		"key":    func(k *Keys) { k.Pools["default"][0].Key = "other" },
		"secret": func(k *Keys) { k.Pools["default"][0].Secret = "other" },
		"url":    func(k *Keys) { k.Pools["default"][0].URL = "https://127.0.0.1" },
		"team":   func(k *Keys) { k.Pools["default"][0].Team = "" },
		"rate":   func(k *Keys) { k.Pools["default"][0].Limits.RequestsPerMinute++ },
		"parallel": func(k *Keys) {
			k.Teams["team_x"] = Limits{Parallel: 7, CU: k.Teams["team_x"].CU, Calendar: k.Teams["team_x"].Calendar}
		},
		"total":         func(k *Keys) { *k.Pools["default"][0].Limits.CU.Total++ },
		"day":           func(k *Keys) { k.Pools["default"][0].Limits.CU.Day = nil },
		"month":         func(k *Keys) { k.Pools["default"][1].Limits.CU.Month = new(job.CU(0)) },
		"zone":          func(k *Keys) { k.Pools["default"][0].Limits.Calendar.Zone = nil },
		"reset day":     func(k *Keys) { k.Pools["default"][0].Limits.Calendar.ResetDay = 1 },
		"fewer keys":    func(k *Keys) { k.Pools["default"] = k.Pools["default"][:1] },
		"order of keys": func(k *Keys) { p := k.Pools["default"]; p[0], p[1] = p[1], p[0] },
		"a pool less":   func(k *Keys) { delete(k.Pools, "trials") },
		"project":       func(k *Keys) { k.Projects["proj_x"] = Limits{} },
		"batch":         func(k *Keys) { delete(k.Batches, "potion-icons") },
	} {
		changed := exampleKeys(t)
		change(changed)
		if changed.equal(exampleKeys(t)) {
			t.Errorf("%s: a change is not seen", name)
		}
	}
}
