// Package longtest says how much is run of tests that do one thing again and again with other
// numbers: drawn nights, walks, kills. Without the variable it is what a person can wait for;
// with it, as in CI, it is all.
package longtest

import (
	"os"
	"testing"
)

// Variable asks for all, whatever its value.
const Variable = "NIGHTSHIFT_TEST_LONG"

// All reports whether all is to be run. It is asked for within tests, not before them: only
// there `go test` sees that a result belongs to this value of the variable.
func All() bool { return os.Getenv(Variable) != "" }

// Times is how often something is done: all times or a few.
func Times(few, all int) int {
	if All() {
		return all
	}
	return few
}

// Only skips a test that is run with all others only.
func Only(t testing.TB) {
	t.Helper()
	if !All() {
		t.Skipf("takes long: set %s=1 to run it", Variable)
	}
}
