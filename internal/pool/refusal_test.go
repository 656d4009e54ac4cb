package pool

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRefusalsOfAKey(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pauses         []time.Duration // before each refusal
		stand, certain bool
		count          int
	}{
		"one":                            {[]time.Duration{0}, true, false, 1},
		"of requests under way together": {[]time.Duration{0, time.Second, time.Second, time.Second}, true, false, 1},
		"two in a row":                   {[]time.Duration{0, refusalTrial}, true, false, 2},
		"three in a row":                 {[]time.Duration{0, refusalTrial, refusalTrial}, true, true, 3},
		"long ago":                       {[]time.Duration{0, refusalTrial, refusalsForgotten + time.Second}, true, false, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := &Keyring{Keys: map[string]*Key{"a": {}}}
				for i, pause := range test.pauses {
					time.Sleep(pause) // virtual
					first, certain := k.Refuse("a")
					if last := i == len(test.pauses)-1; first != (k.Keys["a"].refusals.count == 1 && (i == 0 || last && pause > refusalsForgotten)) || last && certain != test.certain {
						t.Errorf("refusal %d is first: %t, certain: %t", i, first, certain)
					}
				}
				if r := k.Keys["a"].refusals; r.stand() != test.stand || r.count != test.count {
					t.Errorf("it stands: %t, counted %d", r.stand(), r.count)
				}
				time.Sleep(refusalTrial) // virtual
				if k.Keys["a"].refusals.stand() {
					t.Error("the key is not tried again")
				}
			})
		})
	}
}

// A key that was taken between two refusals was not refused in a row.
func TestATakenKeyIsNotRefusedForCertain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &Keyring{Keys: map[string]*Key{"a": {}}}
		for i := range 2 * certainRefusals {
			if _, certain := k.Refuse("a"); certain {
				t.Fatalf("refusal %d is certain", i+1)
			}
			time.Sleep(refusalTrial) // virtual
			k.accepted("a")
		}
	})
}
