package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadKeysHidesSecrets puts a secret into wrong places and looks for its start.
func TestReadKeysHidesSecrets(t *testing.T) {
	t.Parallel()
	full := func(key string) string { return "version: 1\npools:\n  default:\n    - " + key + "\n" }
	key := func(field string) string { return full("{id: a, mode: live, " + field + "}") }
	for name, content := range map[string]string{
		"inline":                 key("key: SECRET, secret: SECRET"),
		"quoted":                 key(`key: "SECRET", secret: 'SECRET'`),
		"inline in a block":      full("id: a\n      mode: live\n      key: SECRET\n      secret: |\n        SECRET\n"),
		"folded":                 full("id: a\n      secret: >-\n        SECRET\n        SECRET\n"),
		"list":                   key("key: [SECRET], secret: [[SECRET]]"),
		"name of a field":        key("key: {SECRET}, secret: {SECRET: }"),
		"set":                    key("key: {? SECRET}"),
		"env as a list":          key("key: {env: [SECRET]}, secret: {file: {SECRET: 1}}"),
		"env":                    key("key: {env: SECRET}, secret: {env: $SECRET}"),
		"env in braces":          key("key: {env: '${SECRET}'}, secret: ${SECRET}"),
		"file":                   key("key: {file: SECRET}, secret: {file: x/SECRET}"),
		"unknown field":          key("token: SECRET, keys: {value: SECRET}"),
		"unknown field of a key": key("key: {value: SECRET}, secret: {envv: SECRET}"),
		"top":                    "SECRET\n",
		"top field":              "SECRET: 1\n",
		"field near a known one": key("SECRET: 1, secretSECRET: 1"),
		"id":                     full("{id: 'SECRET/+', mode: live}"),
		"id twice":               full("{id: SECRET, mode: live}\n    - {id: SECRET, mode: test}"),
		"mode":                   full("{id: a, mode: SECRET}"),
		"auth":                   key("auth: SECRET"),
		"provider":               key("provider: SECRET"),
		"userinfo":               key("url: 'https://key:SECRET@example.com/v1'"),
		"user":                   key("url: 'https://SECRET@example.com/v1'"),
		"broken userinfo":        key("url: 'https://key:SECRET%zz@example.com:port/v1'"),
		"query":                  key("url: 'https://example.com/v1?token=SECRET'"),
		"fragment":               key("url: 'https://example.com/v1#SECRET'"),
		"scheme":                 key("url: 'SECRET://example.com'"),
		"project":                key("project: 'SECRET+', team: 'SECRET='"),
		"timezone":               key("limits: {timezone: SECRET}"),
		"amount":                 key("limits: {cu: {day: SECRET}, parallel: SECRET, reset_day: SECRET, requests_per_minute: SECRET}"),
		"limits":                 key("limits: SECRET"),
		"version":                "version: SECRET\n",
		"pool":                   "version: 1\npools: {default: SECRET, 'SECRET/+': []}\n",
		"pools":                  "version: 1\npools: SECRET\n",
		"limits of a project":    "version: 1\nprojects: {'SECRET/+': SECRET}\nteams: SECRET\nbatches: {a: {SECRET: 1}}\n",
		"alias":                  key("key: *SECRET"),
		"anchor":                 key("key: &SECRET SECRET"),
		"tag":                    key("key: !SECRET SECRET, secret: !!SECRET SECRET"),
		"binary tag":             key("key: !!binary SECRET"),
		"merge":                  key("<<: SECRET"),
		"directive":              "%SECRET SECRET\n---\nversion: 1\n",
		"YAML directive":         "%YAML SECRET\n---\nversion: 1\n",
		"block header":           full("id: a\n      key: |SECRET\n        x"),
		"broken line":            full("id: a\n      key: SECRET\n     secret: SECRET: SECRET"),
		"unclosed quote":         full("id: a\n      key: \"SECRET\n"),
		"unclosed brace":         full("{id: a, key: SECRET"),
		"escape":                 full("{id: a, key: \"SECRET\\q\"}"),
		"reserved":               full("{id: a, key: @SECRET}") + "x: `SECRET\n",
		"after a quote":          full("id: a\n      key: 'x' SECRET"),
		"tab":                    full("id: a\n\tkey: SECRET"),
		"twice":                  "SECRET: 1\nSECRET: 2\n",
		"second document":        "version: 1\n---\nSECRET\n",
		"JSON":                   `{"version": 1, "pools": {"default": [{"id": "a", "key": "SECRET", "secret": "SECRET" "SECRET"}]}}`,
		"cut JSON":               `{"version": 1, "pools": {"default": [{"id": "a", "key": "SECRET`,
		"not UTF-8":              "key: SECRET\xff",
		"key as a field of maps": "? {key: SECRET}\n: 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, secret := range []string{"hK7pQ2xW9", "4815162342", "0x1F2E3D4C"} {
				path := filepath.Join(t.TempDir(), "keys.yaml")
				writeFile(t, path, strings.ReplaceAll(content, "SECRET", secret))
				_, err := ReadKeys(path, nil)
				if err == nil {
					t.Fatalf("the file is accepted with %s", secret)
				}
				for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), fmt.Sprintf("%q", err)} {
					shown = strings.ReplaceAll(shown, path, "") // has random digits
					if strings.Contains(strings.ToLower(shown), strings.ToLower(secret[:5])) {
						t.Errorf("the secret shows: %s", shown)
					}
				}
			}
		})
	}
}

// TestReadKeysHidesResolvedSecrets gives secrets that come from where they should,
// and are wrong.
func TestReadKeysHidesResolvedSecrets(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{
		{"A=hK7p:Q2xW9", "S=hK7pQ2xW9", "B=other"},
		{"A=hK7pQ2xW9", "B=hK7pQ2xW9", "S=hK7pQ2xW9"},
	} {
		_, err := readKeysText(t, oneKey("id: a, mode: live, key: {env: A}, secret: {env: S}")+
			"    - {id: b, mode: live, key: {env: B}, secret: {env: S}}\n", environ...)
		if err == nil || strings.Contains(err.Error(), "hK7p") {
			t.Errorf("the complaint is %v", err)
		}
	}
}
