package cli

import (
	"testing"
)

func TestRowsMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, row string
		want         bool
	}{
		{"*", "a/b", true},
		{"a*", "a/b/1", true},
		{"*/1", "a/b/1", true},
		{"*/1", "a/b/11", false},
		{"a*1", "a/b/1", true},
		{"a*b*1", "a/b/1", true},
		{"a*c*1", "a/b/1", false},
		{"a*a", "a", false},
		{"a", "ab", false},
		{"b*", "a/b", false},
	} {
		if got := matches(test.pattern, test.row); got != test.want {
			t.Errorf("matches(%q, %q) = %v", test.pattern, test.row, got)
		}
	}
}
