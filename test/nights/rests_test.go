package nights

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// rests is what the wire tells of how long keys are left alone.
type rests struct {
	mu  sync.Mutex
	all []*rest
}

// rest is the time for which the provider told an API key to ask for nothing.
type rest struct {
	key        string
	from, till time.Time
	asked      int // how often it did so all the same
}

// What was on its way when a key was told to rest arrives all the same, at the latest so
// much later; the API tells whole seconds.
const (
	onItsWay    = 25 * time.Second
	wholeSecond = 2 * time.Second
)

// hear is told of each request and its answer.
func (h *rests) hear(r *http.Request, response *http.Response) error {
	if response == nil || !pays(r) {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	key, _, _ := r.BasicAuth()
	for _, at := range h.all {
		if at.key != key || now.After(at.till) {
			continue
		}
		if now.After(at.from.Add(onItsWay)) {
			at.asked++
		}
		return nil
	}
	if response.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(said))
	var refusal struct{ RemainingSeconds float64 }
	if err := json.Unmarshal(said, &refusal); err != nil || refusal.RemainingSeconds == 0 {
		return nil // another refusal, or a lie in the place of one
	}
	h.all = append(h.all, &rest{key: key, from: now, till: now.Add(time.Duration(refusal.RemainingSeconds*float64(time.Second)) - wholeSecond)})
	return nil
}

// restless is how often a key must have asked during a rest: one process that is killed
// before it could say so leaves the others to hear it, too.
const restless = 3

// judgeRests: a key that the provider told to rest asks for nothing meanwhile, unless Redis,
// which knows of it, was lost.
func (n *drawnNight) judgeRests() {
	n.t.Helper()
	for _, at := range n.rests.all {
		if at.asked >= restless && !n.diary.between(at.from, at.till, "Redis ") {
			n.fail("cooldowns are waited for", "", "key %s was told at %s to rest until %s, and asked %d times",
				at.key, at.from.Format(time.TimeOnly), at.till.Format(time.TimeOnly), at.asked)
		}
	}
}

// between reports whether something that begins so was noted in a time.
func (d *diary) between(from, till time.Time, what string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
		if strings.HasPrefix(l.what, what) && !l.at.Before(from) && !l.at.After(till) {
			return true
		}
	}
	return false
}
