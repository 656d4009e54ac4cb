package plan_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/plan"
)

// bigManifest writes a JSONL file of n rows as a content pipeline would.
func bigManifest(tb testing.TB, n int) *manifest.Manifest {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "big.jsonl")
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	for i := range n {
		fmt.Fprintf(out, `{"id": "item-%07d", "model": "model_bfl-flux-1-dev", "prompt": "a potion bottle number %d, hand painted, soft light, centered on a plain background", `+
			`"parameters": {"width": 512, "height": 512, "numInferenceSteps": %d, "guidance": 3.5}, "output": "icons/%03d/{id}.{ext}"}`+"\n", i, i, 20+i%8, i%1000)
	}
	if err := out.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := file.Close(); err != nil {
		tb.Fatal(err)
	}
	m, err := manifest.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// peakHeap runs work and returns the most bytes in use that were seen meanwhile,
// beyond those before it.
func peakHeap(work func()) uint64 {
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				peak.Store(max(peak.Load(), now.HeapAlloc))
			}
		}
	}()
	work()
	close(stop)
	<-done
	return peak.Load() - min(before.HeapAlloc, peak.Load())
}

// TestMemoryIsFlat holds what grows with the rows to a few bytes each: the names,
// which are hashed, and the identities of kept jobs.
func TestMemoryIsFlat(t *testing.T) {
	const n = 100_000
	m, c := bigManifest(t, n), newCatalog(t)
	var p *plan.Plan
	peak := peakHeap(func() { p = mustMake(t, plan.Options{Manifest: m, Catalog: c}) })
	if p.Jobs != n || len(p.Shapes) != 8 {
		t.Fatalf("%d jobs of %d shapes, want %d of 8", p.Jobs, len(p.Shapes), n)
	}
	if peak > 24<<20 {
		t.Errorf("the heap grew by %d MiB for %d rows", peak>>20, n)
	}
	t.Logf("%d rows: heap grew by %.1f MiB", n, float64(peak)/(1<<20))
}

func BenchmarkMake(b *testing.B) {
	const n = 20_000
	m, c := bigManifest(b, n), newCatalog(b)
	for b.Loop() {
		if err := mustMake(b, plan.Options{Manifest: m, Catalog: c}).Close(); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, n)
}

func BenchmarkLines(b *testing.B) {
	const n = 20_000
	p := mustMake(b, plan.Options{Manifest: bigManifest(b, n), Catalog: newCatalog(b)})
	for b.Loop() {
		if _, err := io.Copy(io.Discard, p.Lines()); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, n)
}

// BenchmarkRows is the reading of the manifest alone, which the others contain.
func BenchmarkRows(b *testing.B) {
	const n = 20_000
	m := bigManifest(b, n)
	for b.Loop() {
		for _, err := range m.Rows() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	perRow(b, n)
}

func perRow(b *testing.B, rows int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}

// BenchmarkMillion is one plan of a million rows, half of whose results are there.
func BenchmarkMillion(b *testing.B) {
	const n = 1_000_000
	m, c := bigManifest(b, n), newCatalog(b)
	first := mustMake(b, plan.Options{Manifest: m, Catalog: c})
	half := func(yield func(job.Result, error) bool) {
		decoder := json.NewDecoder(first.Lines())
		for planned := (plan.PlannedJob{}); decoder.Decode(&planned) == nil; planned = (plan.PlannedJob{}) {
			if planned.Index%2 == 0 && !yield(job.Result{Job: planned.ID, State: job.Succeeded, Outputs: planned.Outputs}, nil) {
				return
			}
		}
	}
	for b.Loop() {
		started := time.Now()
		peak := peakHeap(func() { mustMake(b, plan.Options{Manifest: m, Catalog: c}) })
		b.ReportMetric(time.Since(started).Seconds(), "s/new")
		b.ReportMetric(float64(peak)/(1<<20), "MiB/new")
		peak = peakHeap(func() { mustMake(b, plan.Options{Manifest: m, Catalog: c, Results: half}) })
		b.ReportMetric(float64(peak)/(1<<20), "MiB/half")
	}
}
