package results_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/results"
)

const sentKey = "night/_nightshift/sent.jsonl"

// hasty is a folder that does not wait for the disk.
type hasty struct {
	*folder
	failing atomic.Bool
}

func (h *hasty) Append(_ context.Context, key string, data []byte) error {
	if h.failing.Load() {
		return errDisk
	}
	if err := os.MkdirAll(filepath.Dir(h.path(key)), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(h.path(key), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// Put replaces the file at once, so that who reads it meanwhile reads the old one.
func (h *hasty) Put(_ context.Context, key string, body io.Reader) error {
	h.puts.Add(1)
	if err := os.MkdirAll(filepath.Dir(h.path(key)), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(h.path(key)), "part")
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	if h.failing.Load() {
		err = errDisk
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), h.path(key))
}

func newHasty(t testing.TB) *hasty { return &hasty{folder: newFolder(t)} }

// request is a name with everything that a list of what was sent says of it.
type request struct {
	attempt   int
	inference string
}

// openIn reads the list as a run does that goes on from it.
func openIn(t testing.TB, sent *results.Sent) map[job.ID]request {
	t.Helper()
	open := make(map[job.ID]request)
	for line, err := range sent.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		switch line.Event {
		case job.Intended:
			if line.Job == nil || line.Job.ID != line.ID {
				t.Errorf("the intent of %s does not say what was sent", line.ID)
			}
			open[line.ID] = request{attempt: line.Attempt}
		case job.Received:
			if known, ok := open[line.ID]; ok {
				open[line.ID] = request{known.attempt, line.Inference}
			}
		case job.Refused:
			delete(open, line.ID)
		}
	}
	return open
}

func noteEvent(t testing.TB, sent *results.Sent, event job.AttemptEvent, id job.ID, attempt int) {
	t.Helper()
	if err := sent.Note(t.Context(), submission(event, id, attempt)); err != nil {
		t.Error(err)
	}
}

func submission(event job.AttemptEvent, id job.ID, attempt int) job.Submission {
	s := job.Submission{Event: event, ID: id, Attempt: attempt, At: time.Now(), APIKey: "studio"}
	switch event {
	case job.Intended:
		s.Job = &job.Job{ID: id, Row: "row", Model: "model_x", Inputs: job.Inputs{"prompt": `<a> & "b"`}, Outputs: []string{"a.{ext}"}, Quote: 10750}
	case job.Received:
		s.Inference = fmt.Sprintf("run-%s-%d", id, attempt)
	}
	return s
}

func lineCount(t testing.TB, bucket *hasty) int {
	t.Helper()
	return strings.Count(bucket.text(t, sentKey), "\n")
}

func TestSentForgetsWhatEnded(t *testing.T) {
	t.Parallel()
	bucket := newHasty(t)
	synctest.Test(t, func(t *testing.T) {
		sent := results.NewSent(bucket, "night")
		want := make(map[job.ID]request)
		longest := 0
		for i := range 6000 {
			id := job.ID(fmt.Sprint("job", i))
			noteEvent(t, sent, job.Intended, id, 1)
			noteEvent(t, sent, job.Received, id, 1)
			if i%500 == 0 {
				want[id] = request{1, "run-" + string(id) + "-1"} // stays open
			} else {
				sent.Ended(id, 1)
			}
			time.Sleep(time.Second) // virtual time
			if i%100 == 0 {
				longest = max(longest, lineCount(t, bucket))
			}
		}
		// 12 requests are open, and 300 have ended within five minutes.
		if limit := 4*2*(12+300) + 100; longest > limit {
			t.Errorf("the list had up to %d lines, want at most %d", longest, limit)
		}
		open := openIn(t, sent)
		for id, r := range want {
			if open[id] != r {
				t.Errorf("of %s the list says %+v, want %+v", id, open[id], r)
			}
		}
	})
}

// TestSentKeepsWhatJustEnded is about the first of many requests: it is named by
// each list that is written within five minutes of its end.
func TestSentKeepsWhatJustEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration
		kept  bool
	}{
		"four minutes": {4 * time.Minute, true},
		"six minutes":  {6 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := newHasty(t)
			synctest.Test(t, func(t *testing.T) {
				sent := results.NewSent(bucket, "night")
				noteEvent(t, sent, job.Intended, "first", 2)
				noteEvent(t, sent, job.Received, "first", 2)
				sent.Ended("first", 2)
				time.Sleep(c.after)
				for i := range 1500 {
					noteEvent(t, sent, job.Intended, "other", i)
					noteEvent(t, sent, job.Refused, "other", i)
				}
				if bucket.puts.Load() == 0 {
					t.Fatal("the list was not written anew")
				}
				got, kept := openIn(t, sent)["first"]
				if kept != c.kept || kept && got != (request{2, "run-first-2"}) {
					t.Errorf("the list names it: %t %+v, want %t", kept, got, c.kept)
				}
			})
		})
	}
}

func TestSentForgetsWhatWasRefused(t *testing.T) {
	t.Parallel()
	bucket := newHasty(t)
	sent := results.NewSent(bucket, "night")
	noteEvent(t, sent, job.Intended, "open", 1)
	for range 4000 { // the same attempt, postponed again and again
		noteEvent(t, sent, job.Intended, "busy", 1)
		noteEvent(t, sent, job.Refused, "busy", 1)
		noteEvent(t, sent, job.Intended, "busy", 1)
	}
	if lines := lineCount(t, bucket); lines > 2100 {
		t.Errorf("%d lines for two requests", lines)
	}
	want := map[job.ID]request{"open": {1, ""}, "busy": {1, ""}}
	if diff := cmp.Diff(want, openIn(t, sent), cmp.AllowUnexported(request{})); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
}

// TestSentGoesOnFromAnotherProcess begins with a long list of an earlier process.
func TestSentGoesOnFromAnotherProcess(t *testing.T) {
	t.Parallel()
	bucket := newHasty(t)
	synctest.Test(t, func(t *testing.T) {
		earlier := results.NewSent(bucket, "night")
		for i := range 1500 {
			noteEvent(t, earlier, job.Intended, job.ID(fmt.Sprint("job", i)), 1)
			noteEvent(t, earlier, job.Received, job.ID(fmt.Sprint("job", i)), 1)
		}
		sent := results.NewSent(bucket, "night")
		for i := range 1490 { // its results were found in the log
			sent.Ended(job.ID(fmt.Sprint("job", i)), 1)
		}
		noteEvent(t, sent, job.Intended, "new", 1)
		if open := openIn(t, sent); len(open) != 1501 {
			t.Errorf("%d requests in the list, want all 1501: those of before have ended just now", len(open))
		}
		time.Sleep(6 * time.Minute)
		noteEvent(t, sent, job.Received, "new", 1)
		if open := openIn(t, sent); len(open) != 11 || open["new"].inference == "" || open["job1495"].inference == "" {
			t.Errorf("%d requests in the list, want the 11 that are open: %v", len(open), open)
		}
		if lines := lineCount(t, bucket); lines != 22 {
			t.Errorf("%d lines for 11 requests", lines)
		}
	})
}

// TestSentLosesNothing lets many goroutines note at once while the list is written
// anew again and again, some writes fail, and processes end in the middle of a line.
func TestSentLosesNothing(t *testing.T) {
	t.Parallel()
	bucket := newHasty(t)
	var mu sync.Mutex
	want := make(map[job.ID]request)
	for life := range 4 {
		sent := results.NewSent(bucket, "night")
		var workers, trouble sync.WaitGroup
		done := make(chan struct{})
		trouble.Go(func() {
			for {
				select {
				case <-done:
					bucket.failing.Store(false)
					return
				default:
					bucket.failing.Store(!bucket.failing.Load())
				}
			}
		})
		for worker := range 8 {
			workers.Go(func() {
				random := rand.New(rand.NewPCG(uint64(life), uint64(worker)))
				for i := range 1500 {
					id := job.ID(fmt.Sprintf("%d-%d-%d", life, worker, i%20))
					attempt := 1 + random.IntN(3)
					mu.Lock()
					delete(want, id) // a job that is sent again has nothing under way
					mu.Unlock()
					if sent.Note(t.Context(), submission(job.Intended, id, attempt)) != nil {
						continue // nothing is sent then; whether the list names it is open
					}
					inference := ""
					outcome := random.IntN(20)
					switch {
					case outcome < 15: // where this fails, the list may name it still, which only costs a look
						_ = sent.Note(t.Context(), submission(job.Refused, id, attempt))
					case outcome < 19:
						if sent.Note(t.Context(), submission(job.Received, id, attempt)) == nil {
							inference = fmt.Sprintf("run-%s-%d", id, attempt)
						}
					}
					if outcome >= 15 {
						mu.Lock()
						want[id] = request{attempt, inference}
						mu.Unlock()
					}
				}
			})
		}
		workers.Wait()
		close(done)
		trouble.Wait()
		open := openIn(t, sent)
		for id, r := range want {
			got, named := open[id]
			if !named || got.attempt != r.attempt || r.inference != "" && got.inference != r.inference {
				t.Errorf("life %d: of %s the list says %+v (%t), want %+v", life, id, got, named, r)
			}
		}
		if bucket.puts.Load() == 0 {
			t.Error("the list was never written anew")
		}
		bucket.write(t, sentKey, bucket.text(t, sentKey)+`{"event":"intended","job":"torn`)
	}
}

func TestSentStaysWhenItCannotBeWrittenAnew(t *testing.T) {
	t.Parallel()
	bucket := newHasty(t)
	sent := results.NewSent(bucket, "night")
	noteEvent(t, sent, job.Intended, "open", 1)
	for lines := 1; bucket.puts.Load() == 0 && lines < 3000; lines++ {
		noteEvent(t, sent, job.Intended, "busy", 1)
		if lineCount(t, bucket) == 2001 {
			bucket.failing.Store(true)
			before := bucket.text(t, sentKey)
			if err := sent.Note(t.Context(), submission(job.Intended, "unsent", 1)); !errors.Is(err, errDisk) {
				t.Errorf("error %v, want %v", err, errDisk)
			}
			if bucket.text(t, sentKey) != before {
				t.Error("the list changed")
			}
			bucket.failing.Store(false)
			noteEvent(t, sent, job.Received, "open", 1)
		}
	}
	if open := openIn(t, sent); lineCount(t, bucket) > 5 || open["open"].inference == "" || open["busy"].attempt != 1 {
		t.Errorf("%d lines that name %v", lineCount(t, bucket), open)
	}
}

func TestSentWithDamage(t *testing.T) {
	t.Parallel()
	bucket := newHasty(t)
	at := `"attempt":1,"at":"2026-03-04T22:00:00Z"`
	intent := func(id string) string {
		return fmt.Sprintf(`{"event":"intended","job":%q,%s,"spec":{"job":%q,"inputs":{},"variables":{"event":"gala"}}}`, id, at, id)
	}
	bucket.write(t, sentKey, intent("a")+"\n"+intent("b")[:90]+intent("c")+intent("d")+"\n"+intent("e")[:50])
	sent := results.NewSent(bucket, "night")
	want := map[job.ID]request{"a": {attempt: 1}, "c": {attempt: 1}, "d": {attempt: 1}}
	if diff := cmp.Diff(want, openIn(t, sent), cmp.AllowUnexported(request{})); diff != "" {
		t.Errorf("behind a torn write (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"broken", "{}", `{"event":"resolved","job":"a"}`, intent("")} {
		bucket.write(t, sentKey, intent("a")+"\n"+bad+"\n"+intent("b")+"\n")
		noteErr := sent.Note(t.Context(), submission(job.Intended, "new", 1))
		var readErr error
		for _, err := range sent.All(t.Context()) {
			readErr = err
		}
		for what, err := range map[string]error{"Note": noteErr, "All": readErr} {
			if err == nil || !strings.Contains(err.Error(), sentKey+", line 2") || job.Hint(err) == "" {
				t.Errorf("%s of a list with %q: error %v with hint %q", what, bad, err, job.Hint(err))
			}
		}
	}
	bucket.write(t, sentKey, intent("a")+"\n") // the file of before
	noteEvent(t, sent, job.Intended, "new", 1)
}

func BenchmarkNote(b *testing.B) {
	for _, writers := range []int{1, 50} {
		b.Run(fmt.Sprint(writers, " writers"), func(b *testing.B) {
			sent := results.NewSent(newLocal(b), "night")
			var number atomic.Int64
			b.SetParallelism((writers + 1) / 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := job.ID(fmt.Sprint("job", number.Add(1)))
					noteEvent(b, sent, job.Intended, id, 1)
					noteEvent(b, sent, job.Refused, id, 1)
				}
			})
		})
	}
}
