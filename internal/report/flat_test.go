package report_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
	"nightshift/internal/report"
)

// writeNight writes the log of a night of this many jobs, of which every twentieth
// failed, without remembering it.
func writeNight(t testing.TB, bucket *batchtest.Folder, jobs int) {
	t.Helper()
	bucket.Write(t, "night/results.jsonl", "")
	var files [2]*os.File
	var to [2]*bufio.Writer
	for i, name := range []string{"results.jsonl", "errors.jsonl"} {
		file, err := os.Create(bucket.Path("night/" + name))
		if err != nil {
			t.Fatal(err)
		}
		files[i], to[i] = file, bufio.NewWriter(file)
	}
	for i := range jobs {
		state, tail, out := job.Succeeded, `"images":[{"key":"painterly/%[1]d.png","asset":"asset_%[1]d","bytes":183211,"format":"png","width":512,"height":512,"crc32":"%08[1]x"}],`, to[0]
		if i%20 == 0 {
			state, tail, out = job.Failed, `"kind":"rejected","reason":"The output was flagged.","hint":"Change the prompt of row %[1]d.",`, to[1]
		}
		at := batchtest.Start.Add(time.Duration(i) * time.Second)
		fmt.Fprintf(out, `{"job":"j%016[1]x","index":%[2]d,"row":"row-%[1]d","state":%[3]q,"model":"model_bfl-flux-1-dev",`+
			`"prompt":"A health potion %[1]d, hand painted, soft rim light, visible brush strokes, centered on a plain background, no text",`+
			`"inputs":{"guidance":3.5,"height":512,"numInferenceSteps":28,"numOutputs":1,"prompt":"A health potion %[1]d, hand painted, soft rim light, visible brush strokes, centered on a plain background, no text","seed":%[1]d,"width":512},`+
			`"variables":{"item":"item %[1]d","style":"style %[4]d"},"seed":"%[1]d","outputs":["painterly/%[1]d.{ext}"],`,
			i, i*7919%jobs, string(state), i%3)
		fmt.Fprintf(out, tail, i)
		fmt.Fprintf(out, `"inference":"job_%[1]d","attempts":1,"quoted":5,"billed":5,"refunded":0,"submitted":%[2]s,"ended":%[3]s,"recorded":%[4]s}`+"\n",
			i, clock(at), clock(at.Add(time.Duration(20+i%17)*time.Second)), clock(at.Add(40*time.Second)))
	}
	for i := range files {
		if err := to[i].Flush(); err != nil {
			t.Fatal(err)
		}
		if err := files[i].Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func clock(at time.Time) string {
	text, err := json.Marshal(at)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// emptying keeps nothing of what is put but its size in bytes.
type emptying struct {
	*batchtest.Folder
	sizes map[string]int64
}

func (e *emptying) Put(_ context.Context, key string, body io.Reader) error {
	n, err := io.Copy(io.Discard, body)
	e.sizes[key] = n
	return err
}

// peakOf runs f and returns how much memory the process came to hold above what it
// held before, in bytes.
func peakOf(f func()) int64 {
	debug.FreeOSMemory()
	before, stop, peak := held(), make(chan struct{}), make(chan int64)
	go func() {
		most := before
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				peak <- max(most, held()) - before
				return
			case <-tick.C:
				most = max(most, held())
			}
		}
	}()
	f()
	close(stop)
	return <-peak
}

// held is the memory that the process has from the system and has not given back.
func held() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// endings are what is done at the end of a run.
var endings = []struct {
	name  string
	jobs  int   // of a long log; a sheet of as many as a tally takes too long to be a test
	limit int64 // MiB that they may need
	run   func(testing.TB, *emptying)
}{
	{"tally", 300_000, 44, func(t testing.TB, bucket *emptying) {
		sums := report.Report{Counts: report.Counts{Jobs: 1}}
		if err := report.Tally(t.Context(), batch.NewLog(bucket, "night"), &sums); err != nil {
			t.Fatal(err)
		}
	}},
	{"sheet", 100_000, 24, func(t testing.TB, bucket *emptying) { writeSheet(t, bucket) }},
}

// TestEndsNeedLittleMemory is not parallel, because it measures the process.
func TestEndsNeedLittleMemory(t *testing.T) {
	for _, ending := range endings {
		for _, jobs := range []int{10_000, ending.jobs} {
			bucket := &emptying{batchtest.NewFolder(t), make(map[string]int64)}
			writeNight(t, bucket.Folder, jobs)
			start := time.Now()
			peak := peakOf(func() { ending.run(t, bucket) })
			t.Logf("%s of %d jobs: %.1f MiB, %s", ending.name, jobs, float64(peak)/(1<<20), time.Since(start).Round(time.Millisecond))
			if peak > ending.limit<<20 {
				t.Errorf("the %s of %d jobs needed %.1f MiB, want at most %d", ending.name, jobs, float64(peak)/(1<<20), ending.limit)
			}
			if size := bucket.sizes["night/index.html"]; size > 100_000 {
				t.Errorf("index.html of %d jobs has %d bytes, want less than 100,000", jobs, size)
			}
		}
	}
}

func BenchmarkEnd(b *testing.B) {
	for _, jobs := range []int{10_000, 300_000, 1_000_000} {
		bucket := &emptying{batchtest.NewFolder(b), make(map[string]int64)}
		writeNight(b, bucket.Folder, jobs)
		for _, ending := range endings {
			b.Run(fmt.Sprintf("%s/%d", ending.name, jobs), func(b *testing.B) {
				for b.Loop() {
					b.ReportMetric(float64(peakOf(func() { ending.run(b, bucket) }))/(1<<20), "peak-MiB")
				}
				b.ReportMetric(float64(bucket.sizes["night/index.html"]), "index-bytes")
			})
		}
	}
}
