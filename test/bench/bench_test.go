package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

func lines() []line {
	return []line{
		{"rate", "finished jobs a minute", "at least 80", "85.5 (513 jobs)", "4.7 (28 jobs)", reached},
		{"cpu", "worker CPU per job", "at most 2 ms", "2.50 ms", "0.60 ms", missed},
		{"kills", "paid twice", "0", "no result", "", notMeasured},
	}
}

const rendered = `| Row | What | Target | Measured | Plain client | Verdict |
| --- | --- | --- | --- | --- | --- |
| rate | finished jobs a minute | at least 80 | 85.5 (513 jobs) | 4.7 (28 jobs) | reached |
| cpu | worker CPU per job | at most 2 ms | 2.50 ms | 0.60 ms | missed |
| kills | paid twice | 0 | no result | – | not measured |
`

func TestTable(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(rendered, table(lines())); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(lines(), parseTable("Some words.\n\n"+rendered+"\nMore | words.\n")); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// What was measured takes the place of all lines of its row, and nothing else's.
func TestMerge(t *testing.T) {
	t.Parallel()
	now := []line{{Row: "cpu", What: "a"}, {Row: "cpu", What: "b"}, {Row: "memory", What: "c"}}
	want := []line{lines()[0], now[0], now[1], now[2], lines()[2]}
	if diff := cmp.Diff(want, merge(lines(), now)); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}

func TestPageKeepsItsWords(t *testing.T) {
	t.Parallel()
	page := "# Head\n" + beginMarker + "\nold words\n" + rendered + endMarker + "\ntail\n"
	got, err := replaceTable(page, "Measured today.", []line{{Row: "cpu", What: "new", Verdict: reached}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Head\n", "\ntail\n", "Measured today.", "| cpu | new | – | – | – | reached |\n", "| rate | finished"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	for _, gone := range []string{"old words", "2.50 ms"} {
		if strings.Contains(got, gone) {
			t.Errorf("%q is still in:\n%s", gone, got)
		}
	}
	if _, err := replaceTable("# Head\n", "", nil); err == nil {
		t.Error("a page without the markers was taken")
	}
}

// The page in the repository has a table of every row.
func TestPageHasAllRows(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(pagePath)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := replaceTable(string(page), "", nil); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, l := range parseTable(string(page)) {
		rows = append(rows, l.Row)
		if l.Verdict != reached && l.Verdict != missed && l.Verdict != notMeasured {
			t.Errorf("row %s: verdict %q", l.Row, l.Verdict)
		}
	}
	if diff := cmp.Diff(rowNames(), slices.Compact(rows)); diff != "" {
		t.Errorf("rows of the page (-want +got):\n%s", diff)
	}
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	got, err := parseStat("7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 9")
	if err != nil || got != 3*time.Second {
		t.Errorf("got %s and %v, want 3s", got, err)
	}
	if _, err := parseStat("7 (a) S 1 2"); err == nil {
		t.Error("a short line was taken")
	}
}

func TestInfoNumber(t *testing.T) {
	t.Parallel()
	info := "# Memory\r\nused_memory_peak:2000\r\nused_memory:1000\r\n"
	for name, want := range map[string]int64{"used_memory": 1000, "used_memory_peak": 2000} {
		if got, err := infoNumber(info, name); err != nil || got != want {
			t.Errorf("%s: got %d and %v, want %d", name, got, err, want)
		}
	}
	if _, err := infoNumber(info, "maxmemory"); err == nil {
		t.Error("a number that is not there was found")
	}
}

func TestStreamRatio(t *testing.T) {
	t.Parallel()
	out := "goos: linux\nBenchmarkRelay/sink-2   \t 7\t 161158833 ns/op\t 702.7 bare-MB/s\t 515.8 bucket-MB/s\t 0.7341 ratio\nBenchmarkOther-2 5 9 ns/op\n"
	found := streamRatio.FindAllStringSubmatch(out, -1)
	if len(found) != 1 || found[0][1] != "sink" || found[0][2] != "0.7341" {
		t.Errorf("found %q", found)
	}
}

func TestReadChaos(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		data string
		want verdict
	}{
		"good":    {`{"kills": 1000, "paidTwice": 0, "lost": 0, "passed": true, "ended": "2026-01-02T03:04:05Z"}`, reached},
		"too few": {`{"kills": 999, "passed": true}`, missed},
		"twice":   {`{"kills": 1000, "paidTwice": 1, "passed": true}`, missed},
		"lost":    {`{"kills": 1000, "lost": 1, "passed": true}`, missed},
		"failed":  {`{"kills": 1000}`, missed},
	}
	for name, c := range cases {
		if text, got, err := readChaos([]byte(c.data)); err != nil || got != c.want {
			t.Errorf("%s: got %s (%s) and %v, want %s", name, got, text, err, c.want)
		}
	}
	if _, _, err := readChaos([]byte("{")); err == nil {
		t.Error("half a file was read")
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	start := time.Unix(1000, 0)
	var times []time.Time
	for i := range 5 {
		times = append(times, start.Add(time.Duration(i)*500*time.Millisecond))
	}
	if got := perSecond(times); got != 2 {
		t.Errorf("%v a second, want 2", got)
	}
	if got := between(times, start, start.Add(time.Second)); got != 2 {
		t.Errorf("%d between, want 2: the first moment is out, the last is in", got)
	}
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median %v, want 5", got)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	s, err := parseFlags([]string{"-short", "-rows", "caps,rate", "cpu"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range s.rows {
		names = append(names, r.name)
	}
	if diff := cmp.Diff([]string{"rate", "cpu", "caps"}, names); diff != "" || !s.short {
		t.Errorf("short %v, rows (-want +got):\n%s", s.short, diff)
	}
	for _, args := range [][]string{{"-rows", "speed"}, {"speed"}, {"-driver", "nobody"}, {"-workers", "0"}} {
		if _, err := parseFlags(args, t.Output()); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

// The plain client makes the images of a manifest, each where the product puts it,
// and waits where it is refused.
func TestPlainClient(t *testing.T) {
	t.Parallel()
	sim, err := simulator.New(simulator.Options{Parallel: simulator.Unlimited, RequestsPerMinute: simulator.Unlimited, Latency: simulator.Between(0, 0), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	defer server.Close()
	room := t.TempDir()
	manifest, err := writeManifest(room, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := plainMain(t.Context(), []string{server.URL, manifest, filepath.Join(room, "out")}); err != nil {
		t.Fatal(err)
	}
	times, err := images(filepath.Join(room, "out"))
	if err != nil || len(times) != 3 {
		t.Errorf("%d images and %v, want 3", len(times), err)
	}
	if got := sim.Totals(); got.Accepted != 3 || got.Images != 3 {
		t.Errorf("the simulator accepted %d and made %d, want 3", got.Accepted, got.Images)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "": plainPoll, "soon": plainPoll, "0": plainPoll} {
		if got := retryAfter(http.Header{"Retry-After": {text}}); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
