package nights

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/simulator"
)

// refusal is an answer that accepts nothing.
func refusal(status int, body string, header ...string) *http.Response {
	response := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
	for i := 0; i+1 < len(header); i += 2 {
		response.Header.Set(header[i], header[i+1])
	}
	return response
}

// peak is the most runs of the ledger at one moment between two.
func (p *place) peak(from, to time.Time) int {
	entries := p.sim.Ledger()
	most := 0
	for _, at := range entries {
		if at.Accepted.Before(from) || at.Accepted.After(to) {
			continue
		}
		running := len(slices.DeleteFunc(slices.Clone(entries), func(e simulator.Entry) bool {
			return e.Accepted.After(at.Accepted) || !e.Ended.IsZero() && !e.Ended.After(at.Accepted)
		}))
		most = max(most, running)
	}
	return most
}

// TestCeiling has the provider name a ceiling of running jobs in a refusal. Two keys
// of the team keep it together, and later runs do; ten minutes later one more is
// tried, and what the provider allows by then is used.
func TestCeiling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := keyOptions(keyA, keyB)
		o.Parallel, o.Latency = 8, simulator.Between(18*time.Second, 22*time.Second)
		n := newKeyNight(t, o, etchings(60), poolOf(entryOf(keyA), entryOf(keyB)))
		began := time.Now()
		var refused []time.Time
		n.wire.rig(func(_ *paidRequest, next func() (*http.Response, error)) (*http.Response, error) {
			if len(n.sim.Ledger()) == 7 && time.Since(began) < 10*time.Second {
				return refusal(http.StatusTooManyRequests, planLimit+`"details": {"actionName": "parallel-custom-jobs", "actionLimit": 7, "limitScope": "team"}}`), nil
			}
			response, err := next()
			if err == nil && response.StatusCode == http.StatusTooManyRequests {
				refused = append(refused, time.Now())
			}
			return response, err
		})
		s := n.run()
		time.Sleep(90 * time.Second) // virtual
		s.interrupt()
		stopped := time.Now()
		n.pass(9 * time.Minute)
		n.run().complete(time.Hour)
		if most := n.peak(began, stopped); most != 7 {
			t.Errorf("at first %d ran at once, and 7 were allowed", most)
		}
		if most := n.peak(stopped, time.Now()); most != 8 {
			t.Errorf("ten minutes later %d ran at once, and 8 were allowed", most)
		}
		if len(refused) > 1 {
			t.Errorf("after the ceiling was known %d submissions were refused: %v", len(refused), refused)
		}
		if by := n.paidBy(); len(by["a"]) < 20 || len(by["b"]) < 20 {
			t.Errorf("the keys paid for %d and %d jobs", len(by["a"]), len(by["b"]))
		}
		n.paidOnce()
		n.allStored()
		n.booksAgree(n)
	})
}
