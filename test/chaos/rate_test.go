package chaos

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// rateWindow is how long admission counts a request: the provider's minute, the second
	// that a slow request may take to arrive, and the bucket that a request is counted in.
	rateWindow = 61*time.Second + 250*time.Millisecond
	// readShare is the most of the rate that submissions leave to reads.
	readShare = 0.15
	// grantedBound is how long a job may stay unsent that a killed worker had a grant for.
	// Where slots are scarce, too, those of runs that have ended come free when they are
	// looked at: by who takes the killed watcher's place, within activeBound.
	grantedBound = 15 * time.Second
	activeBound  = 30 * time.Second
	rateRows     = 90
	// ownRequests are those of this test.
	ownRequests = 2
	// deadFor is how long a killed worker is away: longer than both bounds, so that the others
	// have to do its work.
	deadFor = 40 * time.Second
)

// ofProvider is the limit of the simulator, -1 for none.
func (l limits) ofProvider() int {
	if l.rate == 0 {
		return -1
	}
	return l.rate + ownRequests
}

// rateSummary is what kills at a used-up rate have shown.
type rateSummary struct {
	Rate    int     `json:"requestsPerMinute"`
	Slots   int     `json:"slots"`
	Kills   int     `json:"workerKills"`
	Seconds float64 `json:"seconds"`
	verdict
	Gap  rateGap `json:"longestGap"` // between two submissions
	Idle rateGap `json:"longestIdle"`
	Most int     `json:"mostRequestsInAMinute"`
}

// rateGap is a time between two submissions. Room is how much of it, in one piece, the
// request rate had room for a submission.
type rateGap struct {
	Seconds float64 `json:"seconds"`
	Room    float64 `json:"secondsWithRoom"`
	from    time.Time
}

// TestKillsAtTheRate kills workers in turn while the request rate is used up all the time.
// The longest time in which nothing was submitted though there was room in the rate is
// judged against the bound.
func TestKillsAtTheRate(t *testing.T) {
	if *rateFlag == 0 {
		t.Skip("takes some minutes; -rate 40 runs it")
	}
	for name, c := range map[string]struct {
		slots int
		bound time.Duration
	}{
		"free slots":   {1000, grantedBound},
		"scarce slots": {8, activeBound},
	} {
		t.Run(name, func(t *testing.T) { killAtTheRate(t, limits{c.slots, *rateFlag}, c.bound) })
	}
}

func killAtTheRate(t *testing.T, l limits, bound time.Duration) {
	w := newWorld(t, *seedFlag, "folder", l)
	w.quiet = true // no faults but the kills
	w.writeCaps(endless, endless)
	b := &batch{name: "night-1", kind: plain, began: time.Now(), steps: 1}
	for i := range rateRows {
		b.rows = append(b.rows, row{fmt.Sprintf("r%d", i+1), fmt.Sprintf("thing %d", i+1)})
	}
	w.price(b, len(b.rows))
	w.batches = append(w.batches, b)
	w.after(2*time.Second, func() { w.submit(b, func() {}) }) // the workers have the bucket by then
	w.lookAtBatches()
	w.after(7*time.Second, func() { w.killInTurn(0) })
	w.runUntil(time.Now().Add(*limitFlag), w.allOver)
	if !b.over {
		w.trouble("%s is not over after %s", b.name, *limitFlag)
	}
	s := rateSummary{Rate: l.rate, Slots: l.parallel, Kills: w.counts.WorkerKills, Seconds: time.Since(w.started).Seconds(), verdict: w.judgeBatch(b)}
	w.judgeRate(&s, bound)
	w.judgeLogs()
	t.Logf("%d requests a minute, %d slots, %.0f s, %d kills; %d jobs, %d paid, %d paid twice, %d lost; at most %d requests in a minute; "+
		"longest gap %.1f s, %.1f s of it with room; longest time with room %.1f s", s.Rate, s.Slots, s.Seconds, s.Kills, s.Jobs, s.Paid, s.Twice, s.Lost,
		s.Most, s.Gap.Seconds, s.Gap.Room, s.Idle.Room)
	writeRate(t, s)
}

func writeRate(t *testing.T, s rateSummary) {
	t.Helper()
	data, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join("out", fmt.Sprintf("rate-%d-%d.json", s.Slots, *seedFlag)), append(data, '\n'), 0o600)
	}
	if err != nil {
		t.Errorf("write the summary: %v", err)
	}
}

// killInTurn kills the workers one after another, every other one while the rate is used
// up and the others just when something was sent.
func (w *world) killInTurn(n int) {
	if w.allOver() {
		return
	}
	m := w.workers[n%len(w.workers)]
	last, full := w.provider.requests.state(time.Now())
	ready := m.runs() && (n%2 == 0 && full || n%2 == 1 && time.Since(last) < 300*time.Millisecond)
	if !ready {
		w.after(50*time.Millisecond, func() { w.killInTurn(n) })
		return
	}
	w.counts.WorkerKills++
	m.kill(deadFor)
	w.after(w.between(8*time.Second, 25*time.Second), func() { w.killInTurn(n + 1) })
}

// judgeRate holds every time without a submission against what the rate allowed.
func (w *world) judgeRate(s *rateSummary, bound time.Duration) {
	w.t.Helper()
	all := w.provider.requests.all()
	var before time.Time
	for _, r := range all {
		s.Most = max(s.Most, within(all, r.at, time.Minute))
		if !r.submission {
			continue
		}
		if !before.IsZero() {
			gap := rateGap{Seconds: r.at.Sub(before).Seconds(), Room: longestRoom(all, before, r.at, w.limits.rate).Seconds(), from: before}
			if gap.Seconds > s.Gap.Seconds {
				s.Gap = gap
			}
			if gap.Room > s.Idle.Room {
				s.Idle = gap
			}
			if gap.Seconds > 5 {
				w.note("no submission for %.1f s from %s, %.1f s of it with room", gap.Seconds, before.UTC().Format("15:04:05.000"), gap.Room)
			}
		}
		before = r.at
	}
	if s.Idle.Room > bound.Seconds() {
		w.trouble("nothing was submitted for %.1f s from %s though the rate had room\nwhat happened then:\n%s", s.Idle.Room,
			s.Idle.from.UTC().Format("15:04:05.000"), w.around(s.Idle.from, time.Minute))
	}
	if s.Most > w.limits.rate {
		w.trouble("%d requests were sent within a minute, of %d", s.Most, w.limits.rate)
	}
}

// within counts the requests of a window that ends with a moment.
func within(all []request, end time.Time, window time.Duration) (n int) {
	for _, r := range all {
		if r.at.After(end.Add(-window)) && !r.at.After(end) {
			n++
		}
	}
	return n
}

// longestRoom is the longest time between two moments in which the rate had room for
// a submission at every step: in the window that ends there, requests and submissions are
// below their limits.
func longestRoom(all []request, from, to time.Time, rate int) (longest time.Duration) {
	const step = 50 * time.Millisecond
	submissions := slices.DeleteFunc(slices.Clone(all), func(r request) bool { return !r.submission })
	room := time.Duration(0)
	for at := from; at.Before(to); at = at.Add(step) {
		if within(all, at, rateWindow) < rate && within(submissions, at, rateWindow) < rate-int(float64(rate)*readShare) {
			room += step
			longest = max(longest, room)
		} else {
			room = 0
		}
	}
	return longest
}

// request is one that the provider was sent and counts in its rate.
type request struct {
	at         time.Time
	submission bool
}

// requests are all that the provider was sent.
type requests struct {
	rate int

	mu   sync.Mutex
	sent []request
	log  *os.File // of what was sent
}

// countRequests puts something before the provider that notes what it is sent.
func (w *world) countRequests(p *provider) {
	w.t.Helper()
	target, err := url.Parse(p.url)
	if err != nil {
		w.t.Fatal(err)
	}
	counted := &requests{rate: w.limits.rate, log: w.logFile("requests.log")}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // links to images lead here, too
	}}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		counted.note(r)
		proxy.ServeHTTP(out, r)
	}))
	w.t.Cleanup(server.Close)
	p.url, p.requests = server.URL, counted
}

func (c *requests) note(r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/") {
		return // a control, or an image
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.sent = append(c.sent, request{now, r.Method == http.MethodPost && r.URL.Query().Get("dryRun") == ""})
	fmt.Fprintln(c.log, now.UTC().Format("15:04:05.000"), r.Method, r.URL.Path, r.URL.RawQuery)
}

func (c *requests) all() []request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}

// state tells when the last submission was, and whether the rate is used up.
func (c *requests) state(now time.Time) (last time.Time, full bool) {
	all := c.all()
	for _, r := range all {
		if r.submission {
			last = r.at
		}
	}
	return last, longestRoom(all, now.Add(-100*time.Millisecond), now, c.rate) == 0
}
