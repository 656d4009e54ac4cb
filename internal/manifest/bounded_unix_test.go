//go:build unix

package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBoundedTime holds hostile contents against a limit that quadratic reading
// would pass by far. What counts is the time that processors worked, which does
// not depend on what else the machine does; so no test may run beside it.
func TestBoundedTime(t *testing.T) {
	const most = 30 * time.Second
	for name, content := range map[string]string{
		"items.yaml":    head + "items:\n" + strings.Repeat("  - {item: some thing, tone: warm}\n", 40_000),
		"fields.jsonl":  "{" + strings.Repeat(`"a":1,`, 150_000) + `"b":1}`,
		"braces.jsonl":  `{"model": "m", "prompt": "` + strings.Repeat("{", 60_000) + `"}`,
		"numbers.jsonl": `{"model": "m", "parameters": {"a": [` + strings.Repeat("1,", 400_000) + "1]}}",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			start := worked(t)
			describe(path)
			took := worked(t) - start
			if took > most {
				t.Errorf("reading took %s", took)
			}
			t.Logf("%d bytes took %s", len(content), took)
		})
	}
}

// worked is how long processors have worked for this process.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
