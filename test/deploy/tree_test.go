// Package deploy_test checks what operators deploy with: what it says is what the
// programs understand, and what it promises (nothing runs as root, no secret stands
// in a file, a stop is longer than a drain) is there.
package deploy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// inTree is the path of a file of the repository.
func inTree(parts ...string) string {
	return filepath.Join(append([]string{"..", ".."}, parts...)...)
}

func readTree(t *testing.T, parts ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(inTree(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// filesUnder are the files of a folder and of those in it, by their paths.
func filesUnder(t *testing.T, folder string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// programs are the names of the folders in cmd.
func programs(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(inTree("cmd"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

var afterDrainLine = regexp.MustCompile(`(?m)^const afterDrain = (\d+) \* time\.Second$`)

// drainTime is the longest that a worker with this NIGHTSHIFT_DRAIN takes to stop.
func drainTime(t *testing.T, drain string) time.Duration {
	t.Helper()
	found := afterDrainLine.FindSubmatch(readTree(t, "internal", "queue", "servers.go"))
	if found == nil {
		t.Fatal("internal/queue/servers.go no longer says afterDrain in seconds")
	}
	return duration(t, drain) + duration(t, string(found[1])+"s")
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var secretShapes = map[string]*regexp.Regexp{
	"a private key":         regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY`),
	"an AWS access key":     regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`),
	"a long random text":    regexp.MustCompile(`\b[0-9a-fA-F]{24,}\b`),
	"a password in a URL":   regexp.MustCompile(`://[^/\s:@]*:[^/\s@$]+@`),
	"a value of a secret":   regexp.MustCompile(`[A-Z_]*(SECRET|PASSWORD|TOKEN|API_KEY|ACCESS_KEY)[A-Z_]*["']?\s*[:=]\s*["']?[A-Za-z0-9+/]{4,}`),
	"a default of a secret": regexp.MustCompile(`(SECRET|PASSWORD|TOKEN|KEY)\w*:?-[^}]{4,}\}`),
	"a password":            regexp.MustCompile(`(?i)\bpassword["']?\s*[:=]\s*["']?\w{4,}`),
}

// placeholder is what stands for a password in examples.
const placeholder = "://:password@"

// secretsIn are the lines of a text that look as if they held a secret.
func secretsIn(text string) []string {
	var found []string
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(strings.TrimRight(line, "\n"), placeholder, "://")
		for what, shape := range secretShapes {
			if shape.MatchString(line) {
				found = append(found, what+": "+line)
				break
			}
		}
	}
	return found
}

// TestNoSecrets reads every file that is deployed.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	for _, path := range append(filesUnder(t, inTree("deploy")), inTree("docker-compose.yml")) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range secretsIn(string(content)) {
			t.Errorf("%s: looks like %s", path, line)
		}
	}
}

// TestSecretsAreSeen shows that [TestNoSecrets] can fail.
func TestSecretsAreSeen(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"-----BEGIN EC PRIVATE KEY-----",
		"key: AKIAIOSFODNN7EXAMPLE",
		"value: 0123456789abcdef0123456789abcdef",
		"redis://:hunter22@redis:6379",
		"AWS_SECRET_ACCESS_KEY: abcdefgh",
		"GF_SECURITY_ADMIN_PASSWORD=admin",
		"SCENARIO_API_SECRET: ${SCENARIO_API_SECRET:-hunter22}",
		"password: hunter22",
	} {
		if len(secretsIn(line)) != 1 {
			t.Errorf("%q passes", line)
		}
	}
}
