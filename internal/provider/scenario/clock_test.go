package scenario

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// when is a reading at which both of our clocks show so much after noon.
func when(after time.Duration) reading { return reading{wall: noon.Add(after), run: after} }

func TestToldByOneReply(t *testing.T) {
	t.Parallel()
	// Sent at 12:00:10, received at 12:00:13, with the date 12:05:00: the true time
	// was before 12:05:01 at some moment of the three seconds.
	got := told(noon.Add(5*time.Minute), when(10*time.Second), when(13*time.Second))
	want := offsets{
		low:  4*time.Minute + 47*time.Second - clockSlack,
		high: 4*time.Minute + 51*time.Second + clockSlack,
		at:   when(13 * time.Second),
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestRangeOverTime: the range keeps the truth whichever of our clocks went wrong.
func TestRangeOverTime(t *testing.T) {
	t.Parallel()
	const hour, drift = time.Hour, time.Hour / clockDrift
	before := offsets{low: -time.Second, high: 2 * time.Second, at: when(0)}
	for name, test := range map[string]struct {
		wall, run time.Duration
		low, high time.Duration
	}{
		"an hour passes":              {wall: hour, run: hour, low: -time.Second - drift, high: 2*time.Second + drift},
		"asleep, or set forward":      {wall: hour, run: 0, low: -time.Second - drift - hour, high: 2*time.Second + drift},
		"set back":                    {wall: -hour, run: 0, low: -time.Second, high: 2*time.Second + hour},
		"set back a little meanwhile": {wall: hour - time.Second, run: hour, low: -time.Second - drift, high: 3*time.Second + drift},
	} {
		now := reading{wall: noon.Add(test.wall), run: test.run}
		want := offsets{low: test.low, high: test.high, at: now}
		if got := before.later(now); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestRangesNarrow(t *testing.T) {
	t.Parallel()
	span := func(low, high int64) offsets {
		return offsets{low: time.Duration(low) * time.Second, high: time.Duration(high) * time.Second}
	}
	for name, test := range map[string]struct{ older, newer, want offsets }{
		"overlap":          {span(0, 4), span(2, 6), span(2, 4)},
		"inside":           {span(0, 9), span(2, 6), span(2, 6)},
		"touch":            {span(0, 2), span(2, 6), span(2, 2)},
		"set forward":      {span(0, 2), span(60, 63), span(60, 63)},
		"set back":         {span(0, 2), span(-63, -60), span(-63, -60)},
		"nothing narrower": {span(2, 3), span(0, 9), span(2, 3)},
	} {
		if got := test.older.narrowed(test.newer); got != test.want {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}

// clockBench is a client whose provider's clock is ahead, and sits a while on each
// request.
type clockBench struct {
	mu     sync.Mutex
	ahead  time.Duration
	before time.Duration // from the request to its date
	after  time.Duration // from the date to the reply
	header http.Header   // in addition
	status int
}

func (b *clockBench) RoundTrip(*http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	<-time.After(b.before)
	header := b.header.Clone()
	if header.Get("Date") == "" {
		header.Set("Date", time.Now().Add(b.ahead).UTC().Format(http.TimeFormat))
	}
	<-time.After(b.after)
	return &http.Response{StatusCode: b.status, Header: header, Body: http.NoBody}, nil
}

func setupClock(t *testing.T) (*Client, *clockBench) {
	bench := &clockBench{header: http.Header{}, status: http.StatusServiceUnavailable}
	return clientOf(t, bench), bench
}

// ask makes a call whose answer does not matter, and checks that the truth is
// within what the client then says.
func ask(t *testing.T, client *Client, ahead time.Duration) (uncertainty time.Duration) {
	t.Helper()
	_, _ = client.Asset(t.Context(), "a")
	offset, uncertainty := client.ClockOffset()
	if (offset - ahead).Abs() > uncertainty {
		t.Errorf("offset %s ± %s does not hold the true %s", offset, uncertainty, ahead)
	}
	return uncertainty
}

func TestClockBeforeTheFirstReply(t *testing.T) {
	t.Parallel()
	client, _ := setupClock(t)
	if offset, uncertainty := client.ClockOffset(); offset != 0 || uncertainty != 24*time.Hour {
		t.Errorf("got %s ± %s, want 0 ± 24h", offset, uncertainty)
	}
}

// TestClockNarrows: replies at different parts of a second tell more than one does,
// and silence takes it back.
func TestClockNarrows(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, -90 * time.Second, 5*time.Hour + 300*time.Millisecond, -31 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			client, bench := setupClock(t)
			bench.ahead, bench.before, bench.after = ahead, 20*time.Millisecond, 30*time.Millisecond
			first := ask(t, client, ahead)
			last := first
			for range 40 {
				time.Sleep(1370 * time.Millisecond)
				last = ask(t, client, ahead)
			}
			if first > 800*time.Millisecond || last > 350*time.Millisecond {
				t.Errorf("%s: ± %s after one reply, ± %s after many", ahead, first, last)
			}
			time.Sleep(10 * time.Minute)
			if _, silent := client.ClockOffset(); silent < last+500*time.Millisecond {
				t.Errorf("%s: ± %s after ten minutes of silence, from ± %s", ahead, silent, last)
			}
		})
	}
}

// TestClockWithSlowReplies: the date may be from either end of the request.
func TestClockWithSlowReplies(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]time.Duration{"date at the begin": 0, "date at the end": 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			client, bench := setupClock(t)
			bench.before, bench.after, bench.ahead = before, 20*time.Second-before, time.Minute
			for range 3 {
				if uncertainty := ask(t, client, time.Minute); uncertainty < 10*time.Second {
					t.Errorf("%s: ± %s is more than 20 s can tell", name, uncertainty)
				}
			}
		})
	}
}

// TestClockThatIsSet: a reply that contradicts what was known starts anew.
func TestClockThatIsSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, bench := setupClock(t)
		for _, ahead := range []time.Duration{0, time.Hour, -time.Minute, -59 * time.Second} {
			bench.ahead = ahead
			for range 3 {
				time.Sleep(700 * time.Millisecond)
				_, _ = client.Asset(t.Context(), "a")
			}
			ask(t, client, ahead)
		}
	})
}

// TestClockIgnores: what tells nothing of the present time changes nothing.
func TestClockIgnores(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, bench := setupClock(t)
		known := ask(t, client, 0)
		for _, header := range []http.Header{
			{"Date": {"yesterday"}},
			{"Date": {"Fri, 28 Aug 1620 07:37:09 GMT"}},
			{"Date": {time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)}, "Age": {"3600"}},
		} {
			bench.header = header
			if uncertainty := ask(t, client, 0); uncertainty != known {
				t.Errorf("%v: ± %s, before it ± %s", header, uncertainty, known)
			}
		}
	})
}

// TestClockOfManyGoroutines: calls that overlap learn and ask at once.
func TestClockOfManyGoroutines(t *testing.T) {
	t.Parallel()
	server := serve(t, answer(http.StatusNotFound, `{"reason": "no"}`))
	client := newClient(t, server.URL)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for range 20 {
				ask(t, client, 0)
			}
		})
	}
	calls.Wait()
	if _, uncertainty := client.ClockOffset(); uncertainty > 2*time.Second {
		t.Errorf("± %s after 160 quick replies", uncertainty)
	}
}
