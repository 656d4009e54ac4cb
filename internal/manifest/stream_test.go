package manifest

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// writeLines writes a JSONL manifest of rows of about 150 bytes.
func writeLines(tb testing.TB, count int) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "lines.jsonl")
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	buffer := bufio.NewWriter(file)
	for i := range count {
		fmt.Fprintf(buffer, `{"id":"row-%07d","model":"model_bfl-flux-1-dev","prompt":"a {animal} in the snow","animal":"fox",`+
			`"parameters":{"width":512,"height":512},"output":"{animal}/{id}.{ext}"}`+"\n", i)
	}
	if err := buffer.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := file.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// TestStreamsFlat holds the heap in the midst of a long file against that at its
// start. It measures the whole process and so runs alone.
func TestStreamsFlat(t *testing.T) {
	const rows, every, most = 200_000, 50_000, 1 << 20
	m, err := Open(writeLines(t, rows))
	if err != nil {
		t.Fatal(err)
	}
	var start uint64
	count := 0
	for row, err := range m.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 1 {
			start = heap()
		}
		if grown := int64(0); count%every == 0 {
			if grown = int64(heap()) - int64(start); grown > most {
				t.Errorf("after %d rows the heap has grown by %d bytes", count, grown)
			}
			if want := fmt.Sprintf("row-%07d", count-1); row.ID != want {
				t.Errorf("row %d is %s, want %s", count, row.ID, want)
			}
		}
	}
	if count != rows {
		t.Errorf("%d rows, want %d", count, rows)
	}
}

// TestAxesStreamFlat counts through more combinations than fit in memory.
func TestAxesStreamFlat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	content := "version: 1\nname: a\nmodel: m\naxes: {product: {seed: 1..30000, parameters.guidance: 1..30000}}\n"
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	start, count := heap(), 0
	for row, err := range m.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 100_000 {
			if row.ID != "a/4/10000" {
				t.Errorf("row %d is %s, want a/4/10000", count, row.ID)
			}
			break
		}
	}
	if grown := int64(heap()) - int64(start); grown > 1<<20 {
		t.Errorf("after %d rows the heap has grown by %d bytes", count, grown)
	}
}

// readRows measures the reading of a manifest that has so many rows.
func readRows(b *testing.B, m *Manifest, rows int) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range m.Rows() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkRowsJSONL(b *testing.B) {
	const rows = 20_000
	m, err := Open(writeLines(b, rows))
	if err != nil {
		b.Fatal(err)
	}
	readRows(b, m, rows)
}

func BenchmarkRowsCSV(b *testing.B) {
	const rows = 20_000
	path := filepath.Join(b.TempDir(), "rows.csv")
	content := []byte("id,model,prompt,animal,parameters.width\n")
	for i := range rows {
		content = fmt.Appendf(content, "row-%07d,model_bfl-flux-1-dev,a {animal} in the snow,fox,512\n", i)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		b.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	readRows(b, m, rows)
}

func BenchmarkRowsAxes(b *testing.B) {
	path := filepath.Join(b.TempDir(), "m.yaml")
	content := "version: 1\nname: a\nmodel: m\nprompt: \"{item} {style}\"\nstyles: {ink: ink, oil: oil}\nitems: [{id: a, item: fox}]\n" +
		"axes: {product: {style: [ink, oil], seed: 1..10000}}\noutput: \"{id}/{style}-{seed}.{ext}\"\n"
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	readRows(b, m, 20_000)
}
