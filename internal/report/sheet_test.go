package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
	"nightshift/internal/report"
)

var errFull = errors.New("no space left")

func writeSheet(t testing.TB, bucket batch.Bucket) {
	t.Helper()
	options := report.SheetOptions{Report: report.Report{Batch: "night", Mode: job.Test, State: report.Complete}}
	if err := report.WriteSheet(t.Context(), bucket, "night", options); err != nil {
		t.Fatal(err)
	}
}

// rows are the row ids on the sheet, with the state where it is not succeeded.
func rows(t testing.TB, bucket *batchtest.Folder, shards int) []string {
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
	Stamp                    string
	Page, Entries            int
	Report                   json.RawMessage
	Failed, Warnings, Images int
	Facets                   []struct {
		Name   string
		Values []string
	}
	Bucket, ID string
	Marks      []markDrawn
}

// markDrawn is a mark as the page shows it.
type markDrawn struct{ Image, Job, Mark string }

func pageOf(t testing.TB, bucket *batchtest.Folder) page {
	t.Helper()
	text := bucket.Text(t, "night/index.html")
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
			bucket := batchtest.NewFolder(t)
			want := writeLines(t, bucket, entries)
			writeSheet(t, bucket)
			if diff := cmp.Diff(want, rows(t, bucket, shards)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if _, err := os.Stat(bucket.Path(fmt.Sprintf("night/_nightshift/sheet/data-%04d.js", shards+1))); err == nil {
				t.Error("there is a data file too many")
			}
			data := pageOf(t, bucket)
			got := []int{data.Page, data.Entries}
			got = append(got, len(readColumn[string](t, bucket, "states")), len(readColumn[[]int64](t, bucket, "costs")))
			got = append(got, len(readColumn[[]int64](t, bucket, "seconds")), len(readColumn[[]int64](t, bucket, "ended")))
			if diff := cmp.Diff([]int{240, entries, entries, entries, entries, entries}, got); diff != "" {
				t.Errorf("page size, entries and columns (-want +got):\n%s", diff)
			}
		})
	}
}

// writeLines records this many succeeded jobs, last of the plan first, and
// returns their rows in the order of the plan.
func writeLines(t testing.TB, bucket *batchtest.Folder, entries int) []string {
	t.Helper()
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	want := make([]string, entries)
	for i := entries - 1; i >= 0; i-- {
		result := batchtest.Result(11 * i) // all succeeded
		result.Index = i
		want[i] = result.Row
		if err := encoder.Encode(result); err != nil {
			t.Fatal(err)
		}
	}
	bucket.Write(t, "night/results.jsonl", text.String())
	return want
}

func TestSheetShowsHowThingsStandNow(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	at := func(index int, r job.Result) job.Result { r.Index = index; return r }
	appendAll(t, batch.NewLog(bucket, "night"),
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
	if got := readColumn[string](t, bucket, "states"); got != "sssfc" {
		t.Errorf("states %q, want sssfc", got)
	}
}

// TestSheetShowsMarks draws marks of images that stand, and those alone.
func TestSheetShowsMarks(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	bucket.Write(t, "_nightshift/id", "thisbucket")
	before, now := job.Identify("m", nil, []string{"before"}), job.Identify("m", nil, []string{"now"})
	made := func(id job.ID, minute, images int) job.Result {
		r := ended("axe", string(id), job.Succeeded, "run"+string(id), 2000, 0, minute)
		r.Outputs, r.Images = []string{"axe-1.{ext}"}, nil
		for n := range images {
			r.Images = append(r.Images, job.Image{Key: fmt.Sprintf("axe-%d.png", n+1), Format: "png"})
		}
		return r
	}
	log := batch.NewLog(bucket, "night")
	appendAll(t, log, made(before, 1, 2), made(now, 2, 3))
	mark := func(id job.ID, n int, m job.Mark) batch.Pick {
		return batch.Pick{At: batchtest.Start, Row: "axe", Job: id, N: n, Mark: m}
	}
	lines := []batch.Pick{mark(before, 1, job.Picked), mark(now, 2, job.Picked), mark(now, 3, job.Rejected), mark(now, 1, job.Picked), mark(now, 1, job.Unmarked)}
	if err := batch.AppendPicks(t.Context(), bucket, "night", lines); err != nil {
		t.Fatal(err)
	}
	sums := report.Report{Batch: "night", Mode: job.Test, Counts: report.Counts{Jobs: 1}, Spend: report.Spend{Billed: 5000, Refunded: 1000, Spent: 4000}}
	if err := report.Publish(t.Context(), bucket, "night", log, &sums); err != nil {
		t.Fatal(err)
	}
	drawn := pageOf(t, bucket)
	if diff := cmp.Diff([]markDrawn{{"axe-2.png", string(now), "pick"}, {"axe-3.png", string(now), "reject"}}, drawn.Marks); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	if drawn.Bucket != "thisbucket" || drawn.ID != "night" {
		t.Errorf("the page is of batch %q in bucket %q", drawn.ID, drawn.Bucket)
	}
	var written report.Report
	if err := json.Unmarshal([]byte(bucket.Text(t, "night/report.json")), &written); err != nil {
		t.Fatal(err)
	}
	each := job.CU(4000)
	if diff := cmp.Diff(&job.Picks{Picked: 1, Rejected: 1, Unmarked: 1, CUPerPicked: &each}, written.Picks); diff != "" {
		t.Errorf("picks (-want +got):\n%s", diff)
	}
}

func TestSheetFacets(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	for i := range 60 {
		result := batchtest.Result(11 * i)
		result.Index = i
		result.Variables = map[string]string{"style": []string{"", "ink", "pixel"}[i%3], "name": fmt.Sprint(i), "same": "x"}
		appendAll(t, batch.NewLog(bucket, "night"), result)
	}
	writeSheet(t, bucket)
	facets := pageOf(t, bucket).Facets
	if len(facets) != 1 || facets[0].Name != "style" {
		t.Fatalf("facets %v, want style alone: one has too many values, one only one", facets)
	}
	if diff := cmp.Diff([]string{"ink", "pixel"}, facets[0].Values); diff != "" {
		t.Error(diff)
	}
	if got, want := readColumn[string](t, bucket, "facet-0"), strings.Repeat("012", 20); got != want {
		t.Errorf("values %s, want %s", got, want)
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

func writeHostileSheet(t testing.TB, bucket *batchtest.Folder) {
	t.Helper()
	appendAll(t, batch.NewLog(bucket, "night"), hostileResults()...)
	options := report.SheetOptions{Report: report.Report{Batch: hostile[0], Mode: job.Test, State: report.Blocked, Reason: hostile[0]}}
	if err := report.WriteSheet(t.Context(), bucket, "night", options); err != nil {
		t.Fatal(err)
	}
}

func TestSheetKeepsHostileTextsAsTexts(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
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
	html := bucket.Text(t, "night/index.html")
	if strings.Contains(html, `<script>document`) || strings.Count(html, "</script") != 2 {
		t.Error("a text became a script of the page")
	}
}

// failingPut refuses to store one object.
type failingPut struct {
	*batchtest.Folder
	key string
}

func (f failingPut) Put(ctx context.Context, key string, body io.Reader) error {
	if strings.HasSuffix(key, f.key) {
		return errFull
	}
	return f.Folder.Put(ctx, key, body)
}

func TestSheetStaysWhenItCannotBeWritten(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	writeLines(t, bucket, 300)
	writeSheet(t, bucket)
	before := bucket.Text(t, "night/index.html")
	writeLines(t, bucket, 301)
	err := report.WriteSheet(t.Context(), failingPut{bucket, "data-0002.js"}, "night", report.SheetOptions{})
	if !errors.Is(err, errFull) {
		t.Errorf("got %v, want the bucket's error", err)
	}
	if bucket.Text(t, "night/index.html") != before {
		t.Error("index.html was replaced although its data was not written")
	}
}

func TestSheetOfABrokenLogIsAnError(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	bucket.Write(t, "night/errors.jsonl", "broken\n")
	err := report.WriteSheet(t.Context(), bucket, "night", report.SheetOptions{})
	if err == nil || !strings.Contains(err.Error(), "errors.jsonl, line 1") {
		t.Errorf("got %v, want the file and line", err)
	}
}

func TestSheetColumns(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	const entries = 2500 // more than are written at a time
	var states strings.Builder
	var costs, tenths, recorded []int64
	var images, failed, warnings int
	log := batch.NewLog(bucket, "night")
	text := map[bool]*strings.Builder{true: new(strings.Builder), false: new(strings.Builder)} // by whether the job succeeded
	for i := range entries {
		result := batchtest.Result(i)
		switch {
		case result.State != job.Succeeded:
			states.WriteString("f")
			failed++
		case i%7 == 0:
			result.Images = []job.Image{{Key: "a.png"}, {Key: "b.png", Warning: "not what was wished"}}
			states.WriteString("w")
			warnings++
		default:
			states.WriteString("s")
		}
		images += len(result.Images)
		costs = append(costs, int64(result.Billed-result.Refunded))
		tenths = append(tenths, result.Ended.Sub(result.Submitted).Milliseconds()/100)
		recorded = append(recorded, result.Recorded.Unix())
		if err := json.NewEncoder(text[result.State == job.Succeeded]).Encode(result); err != nil {
			t.Fatal(err)
		}
	}
	bucket.Write(t, "night/results.jsonl", text[true].String())
	bucket.Write(t, "night/errors.jsonl", text[false].String())
	got := 0
	for _, err := range log.Failed(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != failed || failed == 0 {
		t.Fatalf("%d failed jobs in the log, want %d", got, failed)
	}
	writeSheet(t, bucket)
	if got := readColumn[string](t, bucket, "states"); got != states.String() {
		t.Error("the states differ")
	}
	for name, want := range map[string][]int64{"costs": costs, "seconds": tenths, "ended": recorded} {
		if diff := cmp.Diff(want, readColumn[[]int64](t, bucket, name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	data := pageOf(t, bucket)
	if diff := cmp.Diff([]int{failed, warnings, images}, []int{data.Failed, data.Warnings, data.Images}); diff != "" {
		t.Errorf("failed, warnings and images (-want +got):\n%s", diff)
	}
}
