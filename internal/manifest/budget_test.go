package manifest

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"nightshift/internal/job"
)

func TestExceeded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		drift         Drift
		quote, billed job.CU
		want          bool
	}{
		{"as quoted", 0, 10_750, 10_750, false},
		{"any more than quoted", 0, 10_750, 10_751, true},
		{"cheaper", 0, 10_750, 9000, false},
		{"the whole share", 100, 1000, 1100, false},
		{"above the share", 100, 1000, 1101, true},
		{"the share is no whole amount", 100, 1005, 1105, false},
		{"above one that is no whole amount", 100, 1005, 1106, true},
		{"quoted as free", 100, 0, 1, true},
		{"free", 100, 0, 0, false},
		{"the largest drift", maxDrift, 1000, 11_000, false},
		{"above the largest drift", maxDrift, 1000, 11_001, true},
		{"large amounts", maxDrift, math.MaxInt64 / 11, math.MaxInt64/11*11 + 1, true},
		{"large amounts as quoted", maxDrift, math.MaxInt64, math.MaxInt64, false},
		{"a large amount within", maxDrift, math.MaxInt64 / 2, math.MaxInt64, false},
		{"a bill beyond all", maxDrift, 1, math.MaxInt64, true},
		{"a quote beyond all", 0, math.MaxInt64, 1, false},
		{"a quote that is none", 100, math.MinInt64, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.drift.Exceeded(test.quote, test.billed); got != test.want {
				t.Errorf("Drift(%d).Exceeded(%d, %d) = %t", test.drift, test.quote, test.billed, got)
			}
		})
	}
}

func TestParseDrift(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Drift{
		"0": 0, "0.1": 100, "0.100": 100, "0.05": 50, "0.125": 125, "1": 1000, "10": maxDrift, "10.0": maxDrift, "007": 7000,
		"999999999.999": 999_999_999_999,
	} {
		if got, ok := parseDrift(text); got != want || !ok {
			t.Errorf("parseDrift(%q) = %d, %t, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", ".", ".1", "1.", "-0.1", "+0.1", "1e-1", "0x1", "0.1.1", "0.0001", "0,1", "1/2", "99999999999999999999", "١", " 1", "1_0"} {
		if got, ok := parseDrift(text); ok {
			t.Errorf("parseDrift(%q) = %d, want none", text, got)
		}
	}
}

// TestBudgetDefaults opens a file of each kind that says nothing of money.
func TestBudgetDefaults(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"m.yaml":  head,
		"m.json":  `{"version": 1, "name": "a", "model": "m"}`,
		"m.jsonl": `{"id": "a", "model": "m"}`,
		"m.csv":   "id,model\na,m\n",
	} {
		m := mustOpen(t, name, content)
		if m.Budget != nil || m.MaxDrift != 100 || m.OnBudget != OnBudgetWait {
			t.Errorf("%s: budget %v, drift %d, on budget %q; want none, 100 and wait", name, m.Budget, m.MaxDrift, m.OnBudget)
		}
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, file, content, want string }{
		{"test", "m.yaml", head, "test/a"},
		{"live", "m.yaml", head + "mode: live\n", "a"},
		{"flat", "icons.jsonl", `{"id": "a", "model": "m"}`, "test/icons"},
		{"a test batch named as the folder", "Test.csv", "id,model\na,m\n", "test/Test"},
		{"a live one that only begins so", "m.yaml", "version: 1\nname: test-1\nmodel: m\nmode: live\n", "test-1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := mustOpen(t, test.file, test.content).Batch(); got != test.want {
				t.Errorf("the batch is %q, want %q", got, test.want)
			}
		})
	}
}

func mustOpen(t *testing.T, name, content string) *Manifest {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
