package batch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

var started = time.Date(2026, 3, 4, 22, 0, 0, 0, time.UTC)

func sampleIntent(id job.ID, attempt int) job.AttemptLine {
	return job.AttemptLine{
		Event: job.Intended, Job: id, Attempt: attempt, Fence: 7, At: started, APIKey: "studio", Project: "levels", Team: "art", Quoted: 10_750,
		Spec: &job.Job{ID: id, Row: "a", Model: "model_x", Inputs: job.Inputs{"prompt": `<a> & "b"`}, Outputs: []string{"a.{ext}"}, Quote: 10_750},
	}
}

func readFold(t *testing.T, m *memory) *batch.Fold {
	t.Helper()
	f, err := batch.ReadFold(t.Context(), m, historyBatch)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What is noted outlives its writer, and half a line that a dying process left is none.
func TestAttemptsOutliveTheirWriter(t *testing.T) {
	t.Parallel()
	m := newMemory()
	log := batch.NewAttempts(m, historyBatch)
	for _, line := range []job.AttemptLine{
		sampleIntent("aaaa", 1), sampleIntent("bbbb", 2),
		{Event: job.Received, Job: "aaaa", Attempt: 1, Fence: 8, At: started, APIKey: "studio", Inference: "run1", ProviderKeyID: "key_1", Made: started},
	} {
		if err := log.Note(t.Context(), line); err != nil {
			t.Fatal(err)
		}
	}
	const key = historyBatch + "/_nightshift/attempts.jsonl"
	m.held[key] = append(m.held[key], `{"event":"intended","job":"cccc","attempt":1,"spec":{"job":"cc`...)
	want := []batch.InFlight{
		{Job: "aaaa", Attempt: 1, Inference: "run1", Made: started}, {Job: "bbbb", Attempt: 2},
	}
	for i := range want {
		w := &want[i]
		w.Spec = sampleIntent(w.Job, 1).Spec
		w.APIKey, w.Project, w.Team, w.Quoted, w.Intent = "studio", "levels", "art", 10_750, started
	}
	f := readFold(t, m)
	if diff := cmp.Diff(want, f.InFlight()); diff != "" {
		t.Errorf("in flight (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"studio": {"key_1"}}, f.ProviderKeyIDs()); diff != "" {
		t.Errorf("ids of keys (-want +got):\n%s", diff)
	}
	if f.Tried("bbbb") != 1 || f.Tried("aaaa") != 0 {
		t.Errorf("%d and %d attempts are over, want 1 and none", f.Tried("bbbb"), f.Tried("aaaa"))
	}
}

// Lines that come at the same time share writes.
func TestAttemptsShareWrites(t *testing.T) {
	t.Parallel()
	m := &slow{memory: newMemory()}
	log := batch.NewAttempts(m, historyBatch)
	var noting sync.WaitGroup
	for i := range 100 {
		noting.Go(func() {
			if err := log.Note(t.Context(), sampleIntent(job.ID(fmt.Sprint("job", i)), 1)); err != nil {
				t.Error(err)
			}
		})
	}
	noting.Wait()
	if m.writes > 20 {
		t.Errorf("100 lines took %d writes", m.writes)
	}
	if all := len(readFold(t, m.memory).InFlight()); all != 100 {
		t.Errorf("%d are in flight, want 100", all)
	}
}

type slow struct {
	*memory
	writes int // by one at a time
}

func (s *slow) Append(ctx context.Context, key string, data []byte) error {
	s.writes++
	for range 1000 {
		runtime.Gosched()
	}
	return s.memory.Append(ctx, key, data)
}

// The bill of an attempt of which a result says only that its images were fetched again
// is the one that was told before.
func TestImagesFetchedAgainCostNothing(t *testing.T) {
	t.Parallel()
	m := newMemory()
	putLines(t, m, "_nightshift/attempts.jsonl", []job.AttemptLine{sampleIntent("aaaa", 1)})
	putLines(t, m, "errors.jsonl", []job.Result{{Job: "aaaa", State: job.Failed, Attempts: 1, Inference: "run1", Submitted: started}})
	putLines(t, m, "results.jsonl", []job.Result{{
		Job: "aaaa", State: job.Succeeded, Attempts: 1, APIKey: "studio", Inference: "run1", Billed: 5000, Submitted: started,
		Charge: &job.Charge{Project: "levels", Team: "art", Billed: 5000, Refunded: 1000},
	}})
	want := []job.Slice{{APIKey: "studio", Project: "levels", Team: "art", Batch: historyBatch, Quarter: started, CU: 4000}}
	if diff := cmp.Diff(want, readFold(t, m).Slices()); diff != "" {
		t.Errorf("spent (-want +got):\n%s", diff)
	}
	billed, refunded, err := batch.Bill(t.Context(), m, historyBatch, "aaaa", 1)
	if err != nil || billed != 5000 || refunded != 1000 {
		t.Errorf("the bill is %s, %s refunded, %v", billed, refunded, err)
	}
}

// A line that cannot be read is told with its place, and nothing is made of the rest.
func TestDamagedLinesAreTold(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"_nightshift/attempts.jsonl": `{"event":"sent","job":"aaaa","attempt":1}`,
		"results.jsonl":              `{"job":"aaaa","state":"queued"}`,
		"errors.jsonl":               `{"job":"aaaa","state":"failed","attempts":70000}`,
	} {
		m := newMemory()
		m.held[historyBatch+"/"+name] = []byte("\n" + line + "\n")
		_, err := batch.ReadFold(t.Context(), m, historyBatch)
		if err == nil || job.Hint(err) == "" || !strings.Contains(err.Error(), name+", line 2") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// The checkpoint stands for all lines before it, and not for those of other logs.
func TestCheckpointStandsForTheLogs(t *testing.T) {
	t.Parallel()
	m := newMemory()
	add := func(from, to int) {
		log := batch.NewAttempts(m, historyBatch)
		for i := from; i < to; i++ {
			id := job.ID(fmt.Sprintf("job%04d", i))
			if err := log.Note(t.Context(), sampleIntent(id, 1)); err != nil {
				t.Fatal(err)
			}
			r := job.Result{Job: id, State: job.Succeeded, Attempts: 1, APIKey: "studio", Submitted: started, Charge: &job.Charge{Billed: 1000}}
			line, err := json.Marshal(r)
			if err == nil {
				err = m.Append(t.Context(), historyBatch+"/results.jsonl", append(line, '\n'))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	spent := func() job.CU {
		held, billed, _ := readFold(t, m).Total()
		return billed + held
	}
	checkpoint := func() {
		if err := readFold(t, m).WriteCheckpoint(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	add(0, 300)
	checkpoint()
	clear(m.read)
	if got := spent(); got != 300*job.OneCU || m.read[historyBatch+"/results.jsonl"] > 1000 || m.read[historyBatch+"/_nightshift/attempts.jsonl"] > 1000 {
		t.Errorf("%s CU spent, and read were %v bytes", got, m.read)
	}
	add(299, 301) // one of them once more
	if got := spent(); got != 301*job.OneCU {
		t.Errorf("%s CU are spent, want 301", got)
	}
	if err := readFold(t, m).WriteSpend(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var slice job.Slice
	if err := json.Unmarshal(m.held[historyBatch+"/spend.jsonl"], &slice); err != nil || slice.CU != 301*job.OneCU {
		t.Errorf("spend.jsonl says %+v, %v", slice, err)
	}
	m.held[historyBatch+"/results.jsonl"] = m.held[historyBatch+"/results.jsonl"][1:] // damaged, so to say, from its start
	if _, err := batch.ReadFold(t.Context(), m, historyBatch); err == nil {
		t.Error("a log that is not that of the checkpoint was taken for it")
	}
}

// An attempt that is over takes a few bytes, not the job's whole text.
func TestFoldIsSmall(t *testing.T) {
	const jobs = 20_000
	m := newMemory()
	var attempts, log strings.Builder
	for i := range jobs {
		fmt.Fprintf(&attempts, `{"event":"intended","job":"%016d","attempt":1,"fence":1,"at":"2026-01-01T00:00:00Z","apiKey":"k","quoted":5,"spec":{"job":"%016d","index":%d,"row":"r","model":"m","inputs":{"prompt":"a potion of health, hand painted"},"outputs":["a/%d.{ext}"]}}`+"\n", i, i, i, i)
		fmt.Fprintf(&attempts, `{"event":"received","job":"%016d","attempt":1,"fence":2,"at":"2026-01-01T00:00:01Z","apiKey":"k","inference":"job_%d"}`+"\n", i, i)
		fmt.Fprintf(&log, `{"job":"%016d","index":%d,"row":"r","state":"succeeded","attempts":1,"apiKey":"k","inference":"job_%d","model":"m","charge":{"billed":5,"refunded":0},"recorded":"2026-01-01T00:00:05Z","submitted":"2026-01-01T00:00:00Z"}`+"\n", i, i, i)
	}
	m.held[historyBatch+"/_nightshift/attempts.jsonl"], m.held[historyBatch+"/results.jsonl"] = []byte(attempts.String()), []byte(log.String())
	attempts.Reset()
	log.Reset()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f := readFold(t, m)
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := int64(after.HeapAlloc-before.HeapAlloc) / jobs
	runtime.KeepAlive(m)
	t.Logf("%d bytes are kept for each job that is over", kept)
	if _, billed, _ := f.Total(); kept > 40 || billed != 5*jobs*job.OneCU || len(f.InFlight()) > 0 {
		t.Errorf("%d bytes are kept for each job that is over, %s CU billed, %d in flight", kept, billed, len(f.InFlight()))
	}
}

// A folder that was made before there was a log of attempts gets one, once.
func TestFoldersOfBeforeAreConverted(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.held[historyBatch+"/spend.jsonl"] = []byte(`{"life":"a","place":"1-0","at":"2026-03-04T22:00:00Z","event":"reserve","batch":"b","job":"aaaa","attempt":1,"apiKey":"studio","project":"levels","team":"art","reserved":5,"charged":"2026-03-04T22:00:00Z"}
{"life":"a","place":"2-0","at":"2026-03-04T22:20:00Z","event":"settle","batch":"b","job":"aaaa","attempt":1,"apiKey":"studio","project":"levels","team":"art","reserved":5,"billed":5,"refunded":5,"charged":"2026-03-04T22:00:00Z"}
{"life":"a","place":"3-0","at":"2026-03-04T22:21:00Z","event":"settle","batch":"b","job":"aaaa","attempt":2,"apiKey":"studio","project":"levels","team":"art","reserved":5,"billed":6,"charged":"2026-03-04T22:20:00Z"}
{"life":"b","place":"3-0","at":"2026-03-04T22:21:00Z","event":"settle","batch":"b","job":"aaaa","attempt":2,"apiKey":"studio","project":"levels","team":"art","reserved":5,"billed":6,"charged":"2026-03-04T22:20:00Z"}
`)
	m.held[historyBatch+"/results.jsonl"] = []byte(`{"job":"aaaa","state":"succeeded","attempts":2,"apiKey":"studio","inference":"run2","billed":11,"refunded":5,"submitted":"2026-03-04T22:20:00Z"}
{"job":"bbbb","state":"succeeded","attempts":1,"apiKey":"studio","inference":"run3","billed":7,"submitted":"2026-03-04T22:30:00Z"}
`)
	m.held[historyBatch+"/_nightshift/sent.jsonl"] = []byte(`{"event":"intended","job":"bbbb","attempt":1,"at":"2026-03-04T22:30:00Z","fence":1,"apiKey":"studio","spec":{"job":"bbbb","quote":7}}
{"event":"intended","job":"cccc","attempt":1,"at":"2026-03-04T22:31:00Z","fence":2,"apiKey":"studio","spec":{"job":"cccc","quote":8}}
{"event":"received","job":"cccc","attempt":1,"at":"2026-03-04T22:31:01Z","fence":3,"apiKey":"studio","inference":"run4","author":"key_1","made":"2026-03-04T22:31:00Z"}
`)
	in := job.Slice{APIKey: "studio", Project: "levels", Team: "art", Batch: historyBatch}
	at := func(minute int, cu job.CU) job.Slice {
		s := in
		s.Quarter, s.CU = started.Add(time.Duration(minute)*time.Minute), cu
		return s
	}
	want := []job.Slice{at(15, 6000), at(30, 7000)}
	same := func() {
		t.Helper()
		f := readFold(t, m)
		if diff := cmp.Diff(want, f.Slices()); diff != "" {
			t.Errorf("spent (-want +got):\n%s", diff)
		}
		sent := f.InFlight()
		if len(sent) != 1 || sent[0].Inference != "run4" || sent[0].Quoted != 8000 || sent[0].Team != "art" || f.Tried("aaaa") != 2 {
			t.Errorf("in flight are %+v", sent)
		}
	}
	same()
	if _, err := m.Open(t.Context(), historyBatch+"/_nightshift/attempts.jsonl"); err == nil {
		t.Error("who only reads has written")
	}
	for range 2 {
		if err := convert(t, m); err != nil {
			t.Fatal(err)
		}
		same()
		delete(m.held, historyBatch+"/_nightshift/sent.jsonl") // it is not needed any more
		if err := readFold(t, m).WriteSpend(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	m = newMemory()
	m.held[historyBatch+"/spend.jsonl"] = []byte("{\"life\":\"a\"\n")
	if _, err := batch.ReadFold(t.Context(), m, historyBatch); job.Hint(err) == "" {
		t.Errorf("a damaged journal: %v", err)
	}
	if err := convert(t, m); job.Hint(err) == "" {
		t.Errorf("a damaged journal is converted: %v", err)
	}
	if _, err := m.Open(t.Context(), historyBatch+"/_nightshift/attempts.jsonl"); err == nil {
		t.Error("half a log was made of it")
	}
}

func convert(t *testing.T, m *memory) error {
	t.Helper()
	return batch.Convert(t.Context(), m, historyBatch)
}

// What is written for people is no journal of before: a batch that was cancelled before
// anything was sent has it alone.
func TestNothingSentIsNotAFolderOfBefore(t *testing.T) {
	t.Parallel()
	m := newMemory()
	if err := readFold(t, m).WriteSpend(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	m.held[historyBatch+"/spend.jsonl"] = append(m.held[historyBatch+"/spend.jsonl"], `{"apiKey":"k"}`...)
	if f := readFold(t, m); len(f.InFlight())+len(f.Slices()) > 0 {
		t.Errorf("%+v", f)
	}
	if err := convert(t, m); err != nil {
		t.Error(err)
	}
	if len(m.held) != 1 {
		t.Errorf("it holds %d objects", len(m.held))
	}
}

// Of a log of attempts that was deleted or cut short nobody knows what is in flight.
func TestLostLinesOfTheLogAreNoticed(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.held[historyBatch+"/results.jsonl"] = []byte(`{"job":"aaaa","state":"succeeded","attempts":1,"apiKey":"k","charge":{"billed":5,"refunded":0},"recorded":"2026-01-01T00:00:05Z"}
{"job":"bbbb","state":"succeeded","attempts":2,"apiKey":"k","charge":{"billed":5,"refunded":0},"recorded":"2026-01-01T00:00:05Z"}
`)
	m.held[historyBatch+"/errors.jsonl"] = []byte(`{"job":"cccc","state":"failed","attempts":1,"apiKey":"k","charge":{"billed":0,"refunded":0},"recorded":"2026-01-01T00:00:05Z"}
`)
	log := `{"event":"intended","job":"aaaa","attempt":1,"fence":1,"at":"2026-01-01T00:00:00Z","apiKey":"k","quoted":5}
{"event":"intended","job":"bbbb","attempt":2,"fence":2,"at":"2026-01-01T00:00:00Z","apiKey":"k","quoted":5}
`
	for _, lost := range []string{"", log[:strings.Index(log, "\n")+1], log[strings.Index(log, "\n")+1:]} {
		m.held[historyBatch+"/_nightshift/attempts.jsonl"] = []byte(lost)
		if _, err := batch.ReadFold(t.Context(), m, historyBatch); job.Hint(err) == "" {
			t.Errorf("with\n%s\n%v", lost, err)
		}
	}
	m.held[historyBatch+"/_nightshift/attempts.jsonl"] = []byte(log + log)
	f := readFold(t, m)
	if err := f.WriteCheckpoint(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if _, billed, _ := readFold(t, m).Total(); billed != 10*job.OneCU {
		t.Errorf("%s CU are billed", billed)
	}
}

// Lines are read in one way whether they are scanned or decoded whole.
func FuzzLinesAreScannedAsTheyAreDecoded(f *testing.F) {
	f.Add("aaaa", "key \"x\"", int64(5), 1, true)
	f.Add("<&>\u2028", "", int64(-1), 70000, false)
	f.Fuzz(func(t *testing.T, id, key string, amount int64, attempt int, spaced bool) {
		line := sampleIntent(job.ID(id), attempt)
		line.Event, line.APIKey, line.Billed, line.Sent = job.Ended, key, job.CU(amount), started.Add(time.Duration(amount))
		text, err := json.Marshal(line)
		if err != nil {
			t.Skip()
		}
		if spaced {
			text = []byte(strings.Replace(string(text), `,"job"`, `, "job"`, 1)) // which is decoded whole
		}
		plain, other := newMemory(), newMemory()
		plain.held[historyBatch+"/_nightshift/attempts.jsonl"] = append(text, '\n')
		other.held[historyBatch+"/_nightshift/attempts.jsonl"] = append([]byte(strings.Replace(string(text), `{"event"`, `{ "event"`, 1)), '\n')
		a, errA := batch.ReadFold(t.Context(), plain, historyBatch)
		b, errB := batch.ReadFold(t.Context(), other, historyBatch)
		if (errA == nil) != (errB == nil) {
			t.Fatalf("%s: %v or %v", text, errA, errB)
		}
		if errA == nil && cmp.Diff(a.Slices(), b.Slices()) != "" {
			t.Errorf("%s: %+v or %+v", text, a.Slices(), b.Slices())
		}
	})
}
