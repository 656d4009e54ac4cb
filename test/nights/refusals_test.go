package nights

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// TestRefusals answers submissions in the provider's place, in every way that it was
// seen or documented to refuse. Whatever it says, nothing is paid for what it refused.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNight(t, simulator.Options{Seed: 1}, etchings(3), "NIGHTSHIFT_SUBMIT_SLOTS=1")
				var at, again, others time.Time // of the refusal, and of what was sent after it
				seed := any(nil)                // of the job that was refused
				n.wire.rig(func(paid *paidRequest, next func() (*http.Response, error)) (*http.Response, error) {
					switch {
					case at.IsZero() || test.stops != "":
						at, seed = time.Now(), paid.inputs["seed"]
						return refusal(test.status, test.body, test.header...), nil
					case paid.inputs["seed"] == seed:
						again = time.Now()
					case others.IsZero():
						others = time.Now()
					}
					return next()
				})
				s := n.run()
				code := s.end(time.Hour)
				switch {
				case test.kind != "":
					n.failsAlone(test, code)
				case test.stops != "":
					end := s.out.summary()
					if code != exitSomeFailed || end.Outcome != "blocked" || !strings.Contains(end.Hint, test.stops) || end.Jobs.NotRun != 3 {
						t.Errorf("code %d, it ends with %+v", code, end)
					}
				default:
					if pause := again.Sub(at); code != exitDone || pause < test.least || pause > test.most {
						t.Errorf("code %d, it was sent again after %s, want %s to %s", code, pause, test.least, test.most)
					}
					if test.all && (others.Sub(at) < test.least || s.waited(test.waits) < test.least) {
						t.Errorf("others were sent after %s, and by its report it waited for %s %s", others.Sub(at), test.waits, s.waited(test.waits))
					}
					n.paidOnce()
				}
				if paid := len(n.sim.Ledger()); paid != len(n.succeeded()) {
					t.Errorf("%d inferences were paid, and %d jobs succeeded", paid, len(n.succeeded()))
				}
				n.booksAgree(n)
			})
		})
	}
}

// failsAlone judges that the refused job failed, with words for a person, and the
// others did not.
func (n *night) failsAlone(test refused, code int) {
	n.t.Helper()
	failed := n.failed()
	if code != exitSomeFailed || len(failed) != 1 || len(n.succeeded()) != 2 {
		n.t.Fatalf("code %d, %d failed and %d succeeded; want 1 and 2", code, len(failed), len(n.succeeded()))
	}
	f := failed[0]
	if f.Kind != test.kind || !strings.Contains(f.Reason, test.reason) || !strings.Contains(f.Hint, test.hint) {
		n.t.Errorf("it fails as %s: %s (%s)", f.Kind, f.Reason, f.Hint)
	}
}

// TestCooldownAsSeen is the pause that was seen: of 2700 s, with 2321 s to go.
func TestCooldownAsSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Seed: 1}, etchings(3))
		var at time.Time
		n.wire.rig(func(*paidRequest, func() (*http.Response, error)) (*http.Response, error) {
			at = time.Now()
			return refusal(http.StatusTooManyRequests, `{"name": "RateLimitError", "remainingSeconds": 2321, "cooldownSeconds": 2700}`), nil
		})
		s := n.run()
		n.until("it says that it waits", time.Minute, func() bool { return s.out.waitedFor(job.WaitCooldown) != nil })
		time.Sleep(time.Minute) // virtual
		s.interrupt()
		if wait := s.out.waitedFor(job.WaitCooldown); wait.Until.Sub(at.Add(2321*time.Second)).Abs() > time.Second {
			t.Errorf("refused at %s it waits for %+v", at, wait)
		}
		n.booksAgree(n)
	})
}

// TestRefusedKey refuses what one key sends. Others that are not in the same boat take
// its jobs over.
func TestRefusedKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		pay    []string // the keys that may
	}{
		{"key", 401, `{"message": "Unauthorized"}`, []string{"b", "c"}},
		{"scope", 403, `{"message": "This API key does not have the scope jobs.write"}`, []string{"b", "c"}},
		{"plan", 403, `{"name": "ModelAccessRestrictedError", "details": {"requiredPlan": "cu-pro"}}`, []string{"b", "c"}},
		{"allowance of the key", 429, planLimit + `"details": {"actionName": "custom-generation", "limitScope": "key"}}`, []string{"b", "c"}},
		{"allowance of the team", 429, planLimit + `"details": {"actionName": "custom-generation", "limitScope": "team"}}`, []string{"c"}},
		{"allowance of nobody in particular", 429, planLimit + `"details": {"actionName": "custom-generation"}}`, []string{"c"}},
		{"cooldown", 429, `{"name": "RateLimitError", "remainingSeconds": 2321}`, []string{"b", "c"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newKeyNight(t, keyOptions(keyA, keyB, keyC), etchings(12), poolOf(entryOf(keyA), entryOf(keyB), entryOf(keyC)), "NIGHTSHIFT_SUBMIT_SLOTS=1")
				n.wire.rig(func(paid *paidRequest, next func() (*http.Response, error)) (*http.Response, error) {
					if paid.apiKey == "a" {
						return refusal(test.status, test.body), nil
					}
					return next()
				})
				n.run().complete(10 * time.Minute)
				if keys := slices.Sorted(maps.Keys(n.paidBy())); !slices.Equal(keys, test.pay) {
					t.Errorf("keys %v paid, want %v", keys, test.pay)
				}
				n.paidOnce()
				n.booksAgree(n)
			})
		})
	}
}

// TestNoVerdict answers a submission so that nobody can tell whether it was accepted.
// It was not; that is found out before it is sent again.
func TestNoVerdict(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 302, 408, 500, 502, 503, 504} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNight(t, simulator.Options{Seed: 1}, etchings(3))
				var at, again time.Time
				seed := any(nil)
				n.wire.rig(func(paid *paidRequest, next func() (*http.Response, error)) (*http.Response, error) {
					if at.IsZero() {
						at, seed = time.Now(), paid.inputs["seed"]
						return refusal(status, `{"status": "error", "code": "INTERNAL", "message": "try again"}`), nil
					}
					if paid.inputs["seed"] == seed {
						again = time.Now()
					}
					return next()
				})
				n.run().complete(10 * time.Minute)
				if pause := again.Sub(at); pause < 40*time.Second {
					t.Errorf("it was sent again after %s, the grace time is 40 s", pause)
				}
				n.paidOnce()
				n.booksAgree(n)
			})
		})
	}
}
