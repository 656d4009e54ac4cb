package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// faultEnviron is what the files below refer to.
var faultEnviron = []string{"K=key-1", "K2=key-2", "S=secret", "COLON=a:b", "EMPTY=", "SAME=key-1"}

// oneKey is a keys file whose only key has these fields, from line 4 on.
func oneKey(fields string) string { return "version: 1\npools:\n  default:\n    - {" + fields + "}\n" }

const goodKey = "id: a, mode: live, key: {env: K}, secret: {env: S}"

// TestReadKeysComplains gives files and all that is to be said about them, without
// the name of the file.
func TestReadKeysComplains(t *testing.T) {
	t.Parallel()
	const inline = "write secret: {env: NAME} or {file: PATH}"
	withLimits := func(limits string) string { return oneKey(goodKey + ", limits: {" + limits + "}") }
	for _, test := range []struct{ name, content, want string }{
		{"empty", "", ": the keys file is empty; start with version: 1"},
		{"comment", "# nothing\n", ": the keys file is empty; start with version: 1"},
		{"a list", "- a\n", ":1:1: a keys file must be a group of fields, not a list"},
		{"nothing needed is there", "projects: {}\n", ":1:1: a keys file needs version; add version: 1 as the first line\n" +
			":1:1: a keys file needs pools; add pools: with a list of keys under default:"},
		{"version", strings.Replace(oneKey(goodKey), "1", "2", 1), ":1:10: this version is not known; write version: 1"},
		{"unknown field", oneKey(goodKey) + "teems: {}\n", ":5:1: unknown field in a keys file; did you mean teams?"},
		{"field of a key", oneKey(goodKey + ", colour: red"), ":4:60: unknown field in a key; write id, mode, provider, url, auth, key, secret, project, team or limits"},
		{"twice", oneKey(goodKey) + "version: 1\n", ":5:1: this field stands twice, first in line 1; keep one"},
		{"no pool", "version: 1\npools: {}\n", ":2:8: there is no pool; add a list of keys under default:"},
		{"empty pool", "version: 1\npools: {default: []}\n", ":2:18: the pool is empty; give it a key or take it out"},
		{"null pool", "version: 1\npools:\n  default:\n", ":3:11: a pool must be a list, not nothing"},
		{"pool with a space", "version: 1\npools: {a b: [{" + goodKey + "}]}\n", ":2:9: this is not the name of a pool; use letters, digits, - _ and ., at most 80"},
		{"no fields", oneKey(""), ":4:7: a key needs id; give it a name for logs and tables\n:4:7: a key needs mode; write mode: test or mode: live\n" +
			":4:7: a key needs key; write key: {env: NAME} or {file: PATH}\n" +
			":4:7: a key with auth basic needs secret; write secret: {env: NAME} or {file: PATH}, or auth: basic-key-only"},
		{"long id", oneKey("id: " + strings.Repeat("a", 61) + ", mode: live, key: {env: K}, secret: {env: S}"),
			":4:12: this is not an id; use letters, digits, - _ and ., at most 60"},
		{"id twice", oneKey(goodKey) + "    - {id: a, mode: live, key: {env: K2}, secret: {env: S}}\n",
			":5:12: this id stands twice, first in line 4; give each key its own"},
		{"id twice in two pools", oneKey(goodKey) + "  other:\n    - {id: a, mode: live, key: {env: K2}, secret: {env: S}}\n",
			":6:12: this id stands twice, first in line 4; give each key its own"},
		{"credential twice", oneKey(goodKey) + "    - {id: b, mode: test, url: http://localhost, key: {env: SAME}, secret: {env: S}}\n",
			":5:55: this is the same API key as in line 4, and its limits would count double; keep one"},
		{"mode", oneKey("id: a, mode: life, key: {env: K}, secret: {env: S}"), ":4:21: this mode is not known; did you mean live?"},
		{"test without url", oneKey("id: a, mode: test, key: {env: K}, secret: {env: S}"),
			":4:7: a key of mode test needs url; name the API; a keys file never means the built-in simulator"},
		{"test on the live API", oneKey("id: a, mode: test, url: HTTPS://api.cloud.Scenario.com/v1, key: {env: K}, secret: {env: S}"),
			":4:32: a key of mode test on the live API, where test batches would be paid; name a simulator, or write mode: live"},
		{"provider", oneKey(goodKey + ", provider: dall-e"), ":4:70: this provider is not known; write scenario"},
		{"auth", oneKey(goodKey + ", auth: bearer"), ":4:66: this auth is not known; write basic or basic-key-only"},
		{"key alone with a secret", oneKey(goodKey + ", auth: basic-key-only"),
			":4:50: a key with auth basic-key-only has no secret; take it out, or write auth: basic"},
		{"colon", oneKey("id: a, mode: live, key: {env: COLON}, auth: basic-key-only"),
			":4:32: the key has a colon, which ends the user name in basic authentication; see whether it is key and secret in one"},
		{"no address", oneKey(goodKey + ", url: api.example.com"), ":4:65: url is not an address; write an http or https address such as " + LiveURL},
		{"no host", oneKey(goodKey + `, url: "https://:80/v1"`), ":4:65: url is not an address; write an http or https address such as " + LiveURL},
		{"user in the address", oneKey(goodKey + `, url: "https://me:pw@example.com"`), ":4:65: url holds a user name or password; give them as key and secret"},
		{"query in the address", oneKey(goodKey + `, url: "https://example.com/v1?a=b"`), ":4:65: url has more than a path; end it with the version, such as " + LiveURL},
		{"team with braces", oneKey(goodKey + `, team: "{team}"`), ":4:66: this is not the id of a team; use letters, digits, - _ and ., at most 80"},
		{"rate", withLimits("requests_per_minute: 9"), ":4:90: requests_per_minute must be a whole number from 10 to 1000000"},
		{"no rate", withLimits("requests_per_minute: 0"), ":4:90: requests_per_minute must be a whole number from 10 to 1000000"},
		{"negative parallel", withLimits("parallel: -1"), ":4:79: parallel must be a whole number from 0 to 1000000"},
		{"half parallel", withLimits("parallel: 1.5"), ":4:79: parallel must be a whole number from 0 to 1000000"},
		{"negative CU", withLimits("cu: {day: -1}"), ":4:79: this is not an amount of CU; write compute units such as 500 or 12.5"},
		{"no CU", withLimits("cu: {day: much, month: [1]}"), ":4:79: this is not an amount of CU; write compute units such as 500 or 12.5\n" +
			":4:92: this is not an amount of CU; write compute units such as 500 or 12.5"},
		{"timezone", withLimits("timezone: Europe/Pari"), ":4:79: this timezone is not known; write an IANA name such as Europe/Paris"},
		{"local time", withLimits("timezone: Local"), ":4:79: this timezone is not known; write an IANA name such as Europe/Paris"},
		{"reset day", withLimits("reset_day: 32"), ":4:80: reset_day must be a whole number from 1 to 31"},
		{"no reset day", withLimits("reset_day: 0"), ":4:80: reset_day must be a whole number from 1 to 31"},
		{"batch with a rate", oneKey(goodKey) + "batches: {icons: {parallel: 3}}\n", ":5:19: unknown field in the limits of a batch; write cu, timezone or reset_day"},
		{"inline secret", oneKey("id: a, mode: live, key: {env: K}, secret: abc"), ":4:50: the secret must not stand in the keys file itself; " + inline},
		{"secret from two places", oneKey("id: a, mode: live, key: {env: K}, secret: {env: S, file: s}"), ":4:50: the secret needs one place to come from; " + inline},
		{"secret from nowhere", oneKey("id: a, mode: live, key: {env: K}, secret: {}"), ":4:50: the secret needs one place to come from; " + inline},
		{"variable not set", oneKey("id: a, mode: live, key: {env: STUDIO_KEY}, secret: {env: S}"),
			":4:38: the environment variable STUDIO_KEY is not set; set it where this program is started"},
		{"variable empty", oneKey("id: a, mode: live, key: {env: EMPTY}, secret: {env: S}"),
			":4:38: the environment variable EMPTY is empty; set it where this program is started"},
		{"unclosed quote", "version: 1\npools: \"abc\n", ":2:8: a quote is opened here and never closed; close it"},
		{"tab", "version: 1\n\tpools: {}\n", ":2:1: a tab indents the line, which YAML does not allow; use spaces"},
		{"two documents", "version: 1\n---\nversion: 1\n",
			":3:1: a second document starts here; the file must be one document"},
		{"binary", "version: \x00\n", ":1:10: the file holds a NUL character; save the file as UTF-8"},
		{"UTF-16", "\xff\xfev\x00", ":1:1: the file is UTF-16; save the file as UTF-8"},
		{"no anchor", "version: *v\n", ":1:10: this alias has no anchor before it"},
		{"merge of text", "<<: limits\nversion: 1\n", ":1:1: << brings in groups of fields, and this is none"},
		{"several", "version: 2\npools: {default: [{id: a b, mode: x, key: 1, secret: [], limits: {parallel: x}}]}\nteems: {}\n",
			":1:10: this version is not known; write version: 1\n" +
				":2:24: this is not an id; use letters, digits, - _ and ., at most 60\n" +
				":2:35: this mode is not known; write test or live\n" +
				":2:43: the key must not stand in the keys file itself; write key: {env: NAME} or {file: PATH}\n" +
				":2:54: the secret must not stand in the keys file itself; write secret: {env: NAME} or {file: PATH}\n" +
				":2:77: parallel must be a whole number from 0 to 1000000\n" +
				":3:1: unknown field in a keys file; did you mean teams?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.yaml")
			writeFile(t, path, test.content)
			_, err := ReadKeys(path, faultEnviron)
			if err == nil {
				t.Fatal("the file is accepted")
			}
			if diff := cmp.Diff(test.want, strings.ReplaceAll(err.Error(), path, "")); diff != "" {
				t.Errorf("complaints differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReadKeysSecretFiles gives files that hold no secret.
func TestReadKeysSecretFiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, file, want string }{
		{"missing", "missing.key", "the secret file FOLDER/missing.key cannot be read: no such file or directory"},
		{"missing elsewhere", "/nowhere/key", "the secret file /nowhere/key cannot be read: no such file or directory"},
		{"missing, perhaps the secret", "c2VjcmV0", "the secret file that is named here, beside the keys file, cannot be read: no such file or directory"},
		{"not to be reached", "./empty/key", "the secret file FOLDER/empty/key cannot be read: not a directory"},
		{"empty", "empty", "the secret file FOLDER/empty is empty; write the secret into it"},
		{"a line break", "line", "the secret file FOLDER/line is empty; write the secret into it"},
		{"large", "large", "the secret file FOLDER/large cannot be read: larger than 4096 bytes"},
		{"a folder", "folder", "the secret file FOLDER/folder cannot be read: not a regular file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for name, content := range map[string]string{
				"keys.yaml": oneKey("id: a, mode: live, secret: {env: S}, key: {file: " + test.file + "}"),
				"empty":     "", "line": "\r\n", "large": strings.Repeat("x", 4097), "folder/x": "x",
			} {
				writeFile(t, filepath.Join(folder, name), content)
			}
			_, err := ReadKeys(filepath.Join(folder, "keys.yaml"), faultEnviron)
			if err == nil {
				t.Fatal("the file is accepted")
			}
			if diff := cmp.Diff("FOLDER/keys.yaml:4:57: "+test.want, strings.ReplaceAll(err.Error(), folder, "FOLDER")); diff != "" {
				t.Errorf("complaints differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReadKeysUnreadable needs a user who may not read everything.
func TestReadKeysUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read every file")
	}
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "keys.yaml"), oneKey("id: a, mode: live, secret: {env: S}, key: {file: key}"))
	writeFile(t, filepath.Join(folder, "key"), "k")
	if err := os.Chmod(filepath.Join(folder, "key"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := ReadKeys(filepath.Join(folder, "keys.yaml"), faultEnviron)
	if err == nil || !strings.Contains(err.Error(), filepath.Join(folder, "key")+" cannot be read: permission denied") {
		t.Errorf("the complaint is %v", err)
	}
}

// TestReadKeysBounds gives files that are too large or mean too much.
func TestReadKeysBounds(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("version: 1\npools:\n  p0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for n := 1; n < 10; n++ {
		fmt.Fprintf(&bomb, "  p%d: &a%d [%s*a%d]\n", n, n, strings.Repeat(fmt.Sprintf("*a%d, ", n-1), 9), n-1)
	}
	for name, test := range map[string]struct{ content, want string }{
		"large":         {oneKey(goodKey) + strings.Repeat("#", 1<<20), "larger than 1048576 bytes"},
		"aliases":       {bomb.String(), "the aliases stand for more than 100000 values"},
		"merged":        {"a: &a {b: [" + strings.Repeat("1, ", 100) + "1]}\n" + strings.Repeat("c: {<<: *a}\n", 1000), "the aliases stand for more than 100000 values"},
		"own alias":     {"version: &a [*a]\n", "this alias has no anchor before it"},
		"brackets":      {"version: " + strings.Repeat("[", 100_000), "values are nested more than 64 deep"},
		"braces":        {strings.Repeat("{a: ", 100_000), "values are nested more than 64 deep"},
		"dashes":        {strings.Repeat("- ", 100_000), "values are nested more than 64 deep"},
		"many mistakes": {oneKey(goodKey) + strings.Repeat("x:\n", 100), "and 50 more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readKeysText(t, test.content, faultEnviron...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the complaint is %.300v, want %s", err, test.want)
			}
		})
	}
}

func TestReadKeysMissing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(folder, "keys.yaml"): "no such file or directory", folder: "not a regular file",
	} {
		if _, err := ReadKeys(path, nil); err == nil || err.Error() != "read keys file "+path+": "+want {
			t.Errorf("the complaint is %v", err)
		}
	}
}
