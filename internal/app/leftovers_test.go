package app

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// Lines of two workers stand in the order of their clocks. That of the worker that was
// refused is ahead, so its lines come behind those of the sending that followed.
func TestLinesOfTwoClocks(t *testing.T) {
	t.Parallel()
	left, j, at := newLeftovers(), &job.Job{ID: "a"}, time.Now()
	for _, line := range []job.Submission{
		{Event: job.Intended, Fence: 5, At: at, Job: j},
		{Event: job.Received, Fence: 6, At: at.Add(time.Second), Inference: "job_1"},
		{Event: job.Intended, Fence: 2, At: at.Add(3 * time.Second), Job: j},
		{Event: job.Refused, Fence: 3, At: at.Add(4 * time.Second)},
	} {
		line.ID, line.Attempt, line.APIKey = "a", 1, "k"
		left.take(line)
	}
	if open := left.open["a"]; open == nil || open.Inference != "job_1" {
		t.Errorf("open is %+v, want the inference that goes on", open)
	}
}

// What is over and settled takes a few bytes, not the job's whole text.
func TestLeftoversAreSmall(t *testing.T) {
	const jobs = 20_000
	b, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := newFolder(b, "test/x")
	var sent, log strings.Builder
	var entries []job.Entry
	for i := range jobs {
		id := job.ID(fmt.Sprintf("%016d", i))
		fmt.Fprintf(&sent, `{"event":"intended","job":"%s","attempt":1,"at":"2026-01-01T00:00:00Z","apiKey":"k","spec":{"job":"%s","index":%d,"row":"r","model":"m","inputs":{"prompt":"a potion of health, hand painted"},"outputs":["a/%d.{ext}"]}}`+"\n", id, id, i, i)
		fmt.Fprintf(&sent, `{"event":"received","job":"%s","attempt":1,"at":"2026-01-01T00:00:01Z","apiKey":"k","inference":"job_%d"}`+"\n", id, i)
		fmt.Fprintf(&log, `{"job":"%s","index":%d,"row":"r","state":"succeeded","attempts":1,"apiKey":"k","inference":"job_%d","model":"m","recorded":"2026-01-01T00:00:05Z","submitted":"2026-01-01T00:00:00Z"}`+"\n", id, i, i)
		entries = append(entries, job.Entry{
			Event: job.EntrySettle, Batch: "test/x", Job: id, Attempt: 1, APIKey: "k", Life: "one", Place: fmt.Sprintf("%d-0", i+1), At: time.Now(), Charged: time.Now(),
		})
	}
	for name, text := range map[string]string{"_nightshift/sent.jsonl": sent.String(), "results.jsonl": log.String()} {
		if err := b.Append(t.Context(), "test/x/"+name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.journal.Append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	sent.Reset()
	log.Reset()
	f = newFolder(b, "test/x")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	left, err := f.leftovers(t.Context(), map[string]world{"k": {}})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if len(left.open)+len(left.ended) > 0 {
		t.Errorf("%d are open and %d ended, though all are settled", len(left.open), len(left.ended))
	}
	if kept := int64(after.HeapAlloc-before.HeapAlloc) / jobs; kept > 100 {
		t.Errorf("%d bytes are kept for each job that is over", kept)
	}
	runtime.KeepAlive(left)
}
