package results_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/results"
)

const checkpointKey = "night/_nightshift/spend.json"

// sumJSON is all that a sum holds, in an order of its own.
func sumJSON(t testing.TB, journal *results.Journal) map[string]any {
	t.Helper()
	spend, err := journal.Spend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(spend)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	settled, err := base64.StdEncoding.DecodeString(all["settled"].(string))
	if err != nil {
		t.Fatal(err)
	}
	digests := map[string]bool{} // in no order
	for digest := range slices.Chunk(settled, 10) {
		digests[string(digest)] = true
	}
	all["settled"] = digests
	return all
}

func TestCheckpointSparesReading(t *testing.T) {
	t.Parallel()
	for name, streams := range map[string]bool{"seeking": false, "from the start": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			local := newLocal(t)
			seen := &watched{Local: local, streams: streams}
			journal := results.NewJournal(seen, "night")
			appendEntries(t, journal, movements("life1", 0, 3000)[:5999]) // one is open
			if err := journal.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			appendEntries(t, journal, movements("life1", 2999, 2)) // settles it
			appendEntries(t, journal, movements("life2", 2999, 3)) // adds one
			size := int64(len(readFile(t, local, "night/spend.jsonl")))
			seen.read.Store(0)
			wantSpent(t, results.NewJournal(seen, "night"), "0 held, 9006 billed, 3002 refunded, 0 open")
			read := seen.read.Load()
			if streams && read != size || !streams && read > size/100 {
				t.Errorf("read %d of %d bytes", read, size)
			}
			with := sumJSON(t, journal)
			if err := os.Remove(local.Path(checkpointKey)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sumJSON(t, journal), with); diff != "" {
				t.Errorf("from the lines and from the checkpoint (-lines +checkpoint):\n%s", diff)
			}
		})
	}
}

func TestCheckpointIsWrittenWhenThereIsMore(t *testing.T) {
	t.Parallel()
	seen := &watched{Local: newLocal(t)}
	journal := results.NewJournal(seen, "night")
	for i, want := range []int64{0, 1, 1, 2} {
		if i%2 == 1 {
			appendEntries(t, journal, movements("life1", i, 1))
		}
		if err := journal.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := seen.puts.Load(); got != want {
			t.Errorf("step %d: %d checkpoints were written, want %d", i, got, want)
		}
	}
}

func TestCheckpointKnowsWhatIsSettled(t *testing.T) {
	t.Parallel()
	local := newLocal(t)
	journal := results.NewJournal(local, "night")
	appendEntries(t, journal, movements("life1", 0, 10))
	if err := journal.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendEntries(t, journal, movements("life2", 5, 10)) // five of them a second time
	wantSpent(t, results.NewJournal(local, "night"), "0 held, 45 billed, 15 refunded, 0 open")
}

// TestCheckpointThatIsNoUse damages the checkpoint or the file that it belongs to.
func TestCheckpointThatIsNoUse(t *testing.T) {
	t.Parallel()
	another := func(jobs int) string { // a journal with lines of the same lengths
		var lines strings.Builder
		for _, entry := range movements("life9", 50, jobs) {
			entry.Billed = 2 * entry.Billed
			line, err := json.Marshal(entry)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&lines, "%s\n", line)
		}
		return lines.String()
	}
	same := func(text string) string { return text }
	replace := func(old, new string) func(string) string {
		return func(text string) string {
			changed := strings.Replace(text, old, new, 1)
			if changed == text {
				t.Errorf("no %s in %s", old, text)
			}
			return changed
		}
	}
	whole := "0 held, 30 billed, 10 refunded, 0 open"
	for name, c := range map[string]struct {
		checkpoint func(string) string
		journal    func(string) string
		want       string
	}{
		"as it was":            {same, same, whole},
		"empty":                {func(string) string { return "" }, same, whole},
		"cut off":              {func(text string) string { return text[:len(text)-5] }, same, whole},
		"another file":         {func(string) string { return "[1]" }, same, whole},
		"a changed amount":     {replace(`"billed":30`, `"billed":31`), same, whole},
		"another version":      {replace(`"version":1`, `"version":0`), same, whole},
		"covers nothing":       {replace(`"bytes":`, `"bytes":0,"was":`), same, whole},
		"covers less":          {replace(`"bytes":`, `"bytes":999,"was":`), same, whole},
		"covers far more":      {replace(`"bytes":`, `"bytes":9`), same, whole},
		"negative":             {replace(`"bytes":`, `"bytes":-`), same, whole},
		"shorter journal":      {same, func(string) string { return another(1) }, "0 held, 6 billed, 1 refunded, 0 open"},
		"longer journal":       {same, func(string) string { return another(99) }, "0 held, 594 billed, 99 refunded, 0 open"},
		"journal of that size": {same, func(string) string { return another(10) }, "0 held, 60 billed, 10 refunded, 0 open"},
		"no journal":           {same, func(string) string { return "" }, "0 held, 0 billed, 0 refunded, 0 open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			local := newLocal(t)
			journal := results.NewJournal(local, "night")
			appendEntries(t, journal, movements("life1", 0, 10))
			if err := journal.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			writeFile(t, local, checkpointKey, c.checkpoint(readFile(t, local, checkpointKey)))
			writeFile(t, local, "night/spend.jsonl", c.journal(readFile(t, local, "night/spend.jsonl")))
			later := results.NewJournal(local, "night")
			wantSpent(t, later, c.want)
			if err := later.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			appendEntries(t, later, movements("life1", 0, 10)) // held already, or new
			if got, want := len(allEntries(t, later.All(t.Context()))), placesIn(t, later); got != want {
				t.Errorf("%d lines, %d of them once", got, want)
			}
		})
	}
}

// TestCheckpointOfAnotherVersion has a sum that was made by other rules.
func TestCheckpointOfAnotherVersion(t *testing.T) {
	t.Parallel()
	local := newLocal(t)
	journal := results.NewJournal(local, "night")
	appendEntries(t, journal, movements("life1", 0, 10))
	if err := journal.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal([]byte(readFile(t, local, checkpointKey)), &file); err != nil {
		t.Fatal(err)
	}
	file["spend"] = bytes.Replace(file["spend"], []byte(`"billed":30`), []byte(`"billed":31`), 1)
	file["crc32"] = fmt.Appendf(nil, `"%08x"`, crc32.ChecksumIEEE(file["spend"]))
	for version, want := range map[string]string{
		"1": "0 held, 31 billed, 10 refunded, 0 open", // believed
		"0": "0 held, 30 billed, 10 refunded, 0 open",
		"2": "0 held, 30 billed, 10 refunded, 0 open",
	} {
		file["version"] = json.RawMessage(version)
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, local, checkpointKey, string(text))
		wantSpent(t, results.NewJournal(local, "night"), want)
	}
}

// placesIn counts the lines that are told apart.
func placesIn(t testing.TB, journal *results.Journal) int {
	t.Helper()
	places := map[string]bool{}
	for _, entry := range allEntries(t, journal.All(t.Context())) {
		places[entry.Life+" "+entry.Place] = true
	}
	return len(places)
}

// BenchmarkJournalSpend sums up a million settled attempts. held-MiB is what the
// sum keeps.
func BenchmarkJournalSpend(b *testing.B) {
	const jobs, chunk = 1_000_000, 10_000
	local := newLocal(b)
	journal := results.NewJournal(local, "night")
	for first := 0; first < jobs; first += chunk {
		appendEntries(b, journal, movements("life1", first, chunk))
	}
	b.Run("lines", func(b *testing.B) { benchmarkSpend(b, journal) })
	if err := journal.Checkpoint(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("checkpoint", func(b *testing.B) { benchmarkSpend(b, journal) })
}

func benchmarkSpend(b *testing.B, journal *results.Journal) {
	b.ReportAllocs()
	var spend *job.Spend
	before := heap()
	for b.Loop() {
		var err error
		if spend, err = journal.Spend(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before)/(1<<20), "held-MiB")
	if _, billed, _ := spend.Total(); billed != 3_000_000*job.OneCU {
		b.Errorf("%s CU billed", billed)
	}
}

// heap returns the bytes that are in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
