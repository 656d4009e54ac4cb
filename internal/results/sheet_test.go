package results_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/results"
)

func writeSheet(t testing.TB, bucket results.Bucket) {
	t.Helper()
	options := results.SheetOptions{Report: results.Report{Batch: "night", Mode: job.Test, State: results.Complete}}
	if err := results.WriteSheet(t.Context(), bucket, "night", options); err != nil {
		t.Fatal(err)
	}
}

// rows are the row ids on the sheet, with the state where it is not succeeded.
func rows(t testing.TB, bucket *folder, shards int) []string {
	t.Helper()
	list := []string{}
	stamp := pageOf(t, bucket).Stamp
	for number := range shards {
		read := readShard(t, bucket, "night", number+1)
		if read.number != number+1 || read.stamp != stamp {
			t.Errorf("data file %d is called %d with stamp %s, the page has stamp %s", number+1, read.number, read.stamp, stamp)
		}
		for _, entry := range read.entries {
			list = append(list, strings.TrimSuffix(entry.Row+" "+entry.State, " succeeded"))
		}
	}
	return list
}

// page is the data inside index.html.
type page struct {
	Stamp         string
	Page, Entries int
	Report        json.RawMessage
	Columns       struct {
		States       string
		Costs, Ended []int64
		Seconds      []float64
		Facets       []struct {
			Name, Of string
			Values   []string
		}
		Images int
	}
}

func pageOf(t testing.TB, bucket *folder) page {
	t.Helper()
	text := bucket.text(t, "night/index.html")
	_, text, found := strings.Cut(text, `<script type="application/json" id="sheet-data">`)
	if !found {
		t.Fatal("index.html has no data")
	}
	text, _, _ = strings.Cut(text, "</script")
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var data page
	if err := decoder.Decode(&data); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSheetPages(t *testing.T) {
	t.Parallel()
	for entries, shards := range map[int]int{0: 0, 1: 1, 240: 1, 241: 2, 481: 3} {
		t.Run(fmt.Sprint(entries), func(t *testing.T) {
			t.Parallel()
			bucket := newFolder(t)
			want := writeLines(t, bucket, entries)
			writeSheet(t, bucket)
			if diff := cmp.Diff(want, rows(t, bucket, shards)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if _, err := os.Stat(bucket.path(fmt.Sprintf("night/_nightshift/sheet/data-%04d.js", shards+1))); err == nil {
				t.Error("there is a data file too many")
			}
			data := pageOf(t, bucket)
			got := []int{data.Page, data.Entries, len(data.Columns.States), len(data.Columns.Costs), len(data.Columns.Seconds), len(data.Columns.Ended)}
			if diff := cmp.Diff([]int{240, entries, entries, entries, entries, entries}, got); diff != "" {
				t.Errorf("page size, entries and columns (-want +got):\n%s", diff)
			}
		})
	}
}

// writeLines records this many succeeded jobs, last of the plan first, and
// returns their rows in the order of the plan.
func writeLines(t testing.TB, bucket *folder, entries int) []string {
	t.Helper()
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	want := make([]string, entries)
	for i := entries - 1; i >= 0; i-- {
		result := sampleResult(11 * i) // all succeeded
		result.Index = i
		want[i] = result.Row
		if err := encoder.Encode(result); err != nil {
			t.Fatal(err)
		}
	}
	bucket.write(t, "night/results.jsonl", text.String())
	return want
}

func TestSheetShowsHowThingsStandNow(t *testing.T) {
	t.Parallel()
	bucket := newFolder(t)
	at := func(index int, r job.Result) job.Result { r.Index = index; return r }
	appendAll(t, results.NewLog(bucket, "night"),
		at(3, ended("d", "job4", job.Succeeded, "run1", 0, 0, 1)),
		at(3, ended("d", "job5", job.Failed, "run2", 0, 0, 2)), // the row was edited and now fails
		at(2, ended("c", "job3", job.Succeeded, "run3", 0, 0, 3)),
		at(2, ended("c", "job3", job.Failed, "run4", 0, 0, 4)), // a failure that was reported late
		at(1, ended("b", "job2", job.Failed, "run5", 0, 0, 5)),
		at(1, ended("b", "job2", job.Succeeded, "run6", 0, 0, 6)),
		at(0, ended("a", "job1", job.Succeeded, "run7", 0, 0, 7)),
		at(0, ended("a", "job1", job.Succeeded, "run7", 0, 0, 7)),
		at(4, ended("e", "job6", job.Cancelled, "", 0, 0, 8)),
	)
	writeSheet(t, bucket)
	if diff := cmp.Diff([]string{"a", "b", "c", "d failed", "e cancelled"}, rows(t, bucket, 1)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := pageOf(t, bucket).Columns.States; got != "sssfc" {
		t.Errorf("states %q, want sssfc", got)
	}
}

func TestSheetFacets(t *testing.T) {
	t.Parallel()
	bucket := newFolder(t)
	for i := range 60 {
		result := sampleResult(11 * i)
		result.Index = i
		result.Variables = map[string]string{"style": []string{"", "ink", "pixel"}[i%3], "name": fmt.Sprint(i), "same": "x"}
		appendAll(t, results.NewLog(bucket, "night"), result)
	}
	writeSheet(t, bucket)
	facets := pageOf(t, bucket).Columns.Facets
	if len(facets) != 1 || facets[0].Name != "style" {
		t.Fatalf("facets %v, want style alone: one has too many values, one only one", facets)
	}
	if diff := cmp.Diff([]string{"ink", "pixel"}, facets[0].Values); diff != "" {
		t.Error(diff)
	}
	if want := strings.Repeat("012", 20); facets[0].Of != want {
		t.Errorf("values %s, want %s", facets[0].Of, want)
	}
}

// hostile are texts that try to become something else than text.
var hostile = []string{
	`</script><script>document.title="hacked"</script>`,
	`<img src=x onerror="document.title='hacked'">`,
	`"]);document.title="hacked";nightshiftShard("`,
	"line\u2028separator\u2029and\x00nul\nand ]]> and --> and <!-- and ${document.title='hacked'}",
	`__proto__`, `javascript:document.title="hacked"`, "\xff broken", `../../../etc/passwd`,
}

// hostileResults has every hostile text in every field that others write.
func hostileResults() []job.Result {
	list := []job.Result{}
	for i, text := range hostile {
		r := ended(text, fmt.Sprintf("hostile%d", i), job.Succeeded, text, 1000, 0, i)
		r.Index, r.Model, r.Prompt, r.Seed = i, text, text, text
		r.Inputs = job.Inputs{"prompt": text, text: []any{text}}
		r.Variables = map[string]string{text: text, "which": fmt.Sprint(i % 2)}
		r.Images = []job.Image{{Key: text, Format: text, Warning: text, CRC32: text}}
		failed := r
		failed.Job, failed.Index, failed.State, failed.Images = job.ID(fmt.Sprintf("failed%d", i)), 100+i, job.Failed, nil
		failed.Outputs = []string{text + ".failed"}
		failed.Kind, failed.Reason, failed.Hint = text, text, text
		list = append(list, r, failed)
	}
	return list
}

func writeHostileSheet(t testing.TB, bucket *folder) {
	t.Helper()
	appendAll(t, results.NewLog(bucket, "night"), hostileResults()...)
	options := results.SheetOptions{Report: results.Report{Batch: hostile[0], Mode: job.Test, State: results.Stopped, Reason: hostile[0]}}
	if err := results.WriteSheet(t.Context(), bucket, "night", options); err != nil {
		t.Fatal(err)
	}
}

func TestSheetKeepsHostileTextsAsTexts(t *testing.T) {
	t.Parallel()
	bucket := newFolder(t)
	writeHostileSheet(t, bucket)
	entries := readShard(t, bucket, "night", 1).entries
	if len(entries) != 2*len(hostile) {
		t.Fatalf("%d entries, want %d", len(entries), 2*len(hostile))
	}
	for i, text := range hostile {
		valid := strings.ToValidUTF8(text, "\ufffd")
		for _, entry := range []shardEntry{entries[i], entries[len(hostile)+i]} {
			if entry.Prompt != valid || entry.Row != valid || entry.Variables[0][1] != valid && entry.Variables[1][1] != valid {
				t.Errorf("text %q became %+v", text, entry)
			}
		}
		if address := entries[i].Images[0].Address; !strings.HasPrefix(address, "./") || strings.ContainsAny(address, `<>"' `) {
			t.Errorf("text %q became the address %q", text, address)
		}
		if reason := entries[len(hostile)+i].Reason; reason != valid {
			t.Errorf("reason %q became %q", valid, reason)
		}
	}
	html := bucket.text(t, "night/index.html")
	if strings.Contains(html, `<script>document`) || strings.Count(html, "</script") != 2 {
		t.Error("a text became a script of the page")
	}
}

// failingPut refuses to store one object.
type failingPut struct {
	*folder
	key string
}

func (f failingPut) Put(ctx context.Context, key string, body io.Reader) error {
	if strings.HasSuffix(key, f.key) {
		return errDisk
	}
	return f.folder.Put(ctx, key, body)
}

func TestSheetStaysWhenItCannotBeWritten(t *testing.T) {
	t.Parallel()
	bucket := newFolder(t)
	writeLines(t, bucket, 300)
	writeSheet(t, bucket)
	before := bucket.text(t, "night/index.html")
	writeLines(t, bucket, 301)
	err := results.WriteSheet(t.Context(), failingPut{bucket, "data-0002.js"}, "night", results.SheetOptions{})
	if !errors.Is(err, errDisk) {
		t.Errorf("got %v, want the bucket's error", err)
	}
	if bucket.text(t, "night/index.html") != before {
		t.Error("index.html was replaced although its data was not written")
	}
}

func TestSheetOfABrokenLogIsAnError(t *testing.T) {
	t.Parallel()
	bucket := newFolder(t)
	bucket.write(t, "night/errors.jsonl", "broken\n")
	err := results.WriteSheet(t.Context(), bucket, "night", results.SheetOptions{})
	if err == nil || !strings.Contains(err.Error(), "errors.jsonl, line 1") {
		t.Errorf("got %v, want the file and line", err)
	}
}

// lastOnly keeps nothing of what is put, so that memory shows what the writer holds.
type lastOnly struct {
	*folder
	count int
	peak  uint64
}

func (l *lastOnly) Put(_ context.Context, _ string, body io.Reader) error {
	_, err := io.Copy(io.Discard, body)
	if l.count++; l.count%20 != 0 {
		return err
	}
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	l.peak = max(l.peak, memory.HeapAlloc)
	return err
}

func TestSheetOfManyJobsNeedsLittleMemory(t *testing.T) {
	bucket := &lastOnly{folder: newFolder(t)}
	const (
		entries = 40_000
		perJob  = 300 // bytes; a line of the log has several times as many
	)
	writeMany(t, bucket.folder, entries)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	writeSheet(t, bucket)
	grown := int64(bucket.peak) - int64(before.HeapAlloc)
	t.Logf("%d jobs: %d bytes more in use for each, %s", entries, grown/entries, time.Since(start).Round(time.Millisecond))
	if grown > entries*perJob {
		t.Errorf("the sheet of %d jobs held %d bytes for each, want at most %d", entries, grown/entries, perJob)
	}
}

// writeMany records jobs without remembering them.
func writeMany(t testing.TB, bucket *folder, entries int) {
	t.Helper()
	bucket.write(t, "night/results.jsonl", "")
	file, err := os.Create(bucket.path("night/results.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	encoder := json.NewEncoder(file)
	for i := range entries {
		result := ended(fmt.Sprint("row-", i), fmt.Sprint("job-", i), job.Succeeded, "run", 5000, 0, i)
		result.Index = i * 7919 % entries
		if err := encoder.Encode(result); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
