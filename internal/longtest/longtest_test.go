package longtest

import "testing"

func TestTimes(t *testing.T) {
	for value, want := range map[string]int{"": 2, "1": 9, "true": 9} {
		t.Setenv(Variable, value)
		if got := Times(2, 9); got != want {
			t.Errorf("%s=%q: %d times, want %d", Variable, value, got, want)
		}
	}
}

func TestOnly(t *testing.T) {
	for value, want := range map[string]bool{"": true, "1": false} {
		t.Setenv(Variable, value)
		skipped := false
		t.Run("long", func(t *testing.T) {
			defer func() { skipped = t.Skipped() }()
			Only(t)
		})
		if skipped != want {
			t.Errorf("%s=%q: skipped is %t, want %t", Variable, value, skipped, want)
		}
	}
}
