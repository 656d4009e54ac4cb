// Package promtool lets tests ask Prometheus' own tool whether files are right.
package promtool

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Run runs promtool with arguments and standard input, and fails the test with what
// it says when it is not content. The tool is the one that NIGHTSHIFT_TEST_PROMTOOL
// names, or that of PATH. Without one it skips the test, or fails it where CI is set.
func Run(t testing.TB, stdin string, args ...string) {
	t.Helper()
	binary, err := find()
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatalf("promtool is needed in CI: %v", err)
	case err != nil:
		t.Skipf("no promtool here, install Prometheus to run this test: %v", err)
	}
	tool := exec.CommandContext(t.Context(), binary, args...)
	tool.Stdin = strings.NewReader(stdin)
	if said, err := tool.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

func find() (string, error) {
	if named := os.Getenv("NIGHTSHIFT_TEST_PROMTOOL"); named != "" {
		return exec.LookPath(named)
	}
	return exec.LookPath("promtool")
}
