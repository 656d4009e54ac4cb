package batch_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
)

func collect(t testing.TB, lines iter.Seq2[job.Result, error]) []job.Result {
	t.Helper()
	var all []job.Result
	for result, err := range lines {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, result)
	}
	slices.SortFunc(all, func(a, b job.Result) int { return a.Index - b.Index })
	return all
}

func TestLogRoundTrip(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	log := batch.NewLog(bucket, "night")
	var want [2][]job.Result
	var writers sync.WaitGroup
	for i := range 400 {
		result := batchtest.Result(i)
		file := boolean(result.State != job.Succeeded)
		want[file] = append(want[file], result)
		writers.Go(func() {
			if err := log.Append(t.Context(), result); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	got := [2][]job.Result{collect(t, log.Succeeded(t.Context())), collect(t, log.Failed(t.Context()))}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log differs from what was appended (-want +got):\n%s", diff)
	}
	for _, name := range []string{"results.jsonl", "errors.jsonl"} {
		if text := bucket.Text(t, "night/"+name); !strings.HasSuffix(text, "}\n") {
			t.Errorf("%s does not end with a whole line", name)
		}
	}
}

func boolean(is bool) int {
	if is {
		return 1
	}
	return 0
}

func TestLogNeverWrittenIsEmpty(t *testing.T) {
	t.Parallel()
	log := batch.NewLog(batchtest.NewFolder(t), "night")
	if got := collect(t, log.Succeeded(t.Context())); len(got) != 0 {
		t.Errorf("got %d results from nothing", len(got))
	}
}

func TestLogRefusesJobsThatHaveNotEnded(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	result := batchtest.Result(1)
	result.State = job.Storing
	if err := batch.NewLog(bucket, "night").Append(t.Context(), result); err == nil {
		t.Error("a job that is still being stored was recorded")
	}
	if bucket.Appends.Load() != 0 {
		t.Error("something was written")
	}
}

// slowBucket takes its time for each write and can fail.
type slowBucket struct {
	*batchtest.Folder
	wait    time.Duration
	failing atomic.Bool
	durable atomic.Int64 // lines written
}

var errDisk = errors.New("no space left")

func (s *slowBucket) Append(ctx context.Context, key string, data []byte) error {
	time.Sleep(s.wait) // virtual time
	if s.failing.Load() {
		return errDisk
	}
	if err := s.Folder.Append(ctx, key, data); err != nil {
		return err
	}
	s.durable.Add(int64(strings.Count(string(data), "\n")))
	return ctx.Err()
}

func TestLogGroupsWrites(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	synctest.Test(t, func(t *testing.T) {
		slow := &slowBucket{Folder: bucket, wait: 10 * time.Millisecond}
		log := batch.NewLog(slow, "night")
		const appenders, each = 100, 20
		var returned atomic.Int64
		start := time.Now()
		var writers sync.WaitGroup
		for worker := range appenders {
			writers.Go(func() {
				for i := range each {
					result := batchtest.Result(11 * (worker*each + i)) // all succeeded
					if err := log.Append(t.Context(), result); err != nil {
						t.Error(err)
					}
					if done := returned.Add(1); done > slow.durable.Load() {
						t.Errorf("%d appends returned while %d lines were durable", done, slow.durable.Load())
					}
				}
			})
		}
		writers.Wait()
		// One write after the other would take 20 s. In groups, each worker has
		// every second write at the latest.
		if took := time.Since(start); took > 2*each*slow.wait+slow.wait {
			t.Errorf("%d appends with writes of %s took %s", appenders*each, slow.wait, took)
		}
		if got := len(collect(t, log.Succeeded(t.Context()))); got != appenders*each {
			t.Errorf("%d lines, want %d", got, appenders*each)
		}
	})
}

func TestLogTellsEveryWriterOfAFailedGroup(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	synctest.Test(t, func(t *testing.T) {
		slow := &slowBucket{Folder: bucket, wait: time.Second}
		slow.failing.Store(true)
		log := batch.NewLog(slow, "night")
		var told atomic.Int64
		var writers sync.WaitGroup
		for range 10 {
			writers.Go(func() {
				if err := log.Append(t.Context(), batchtest.Result(0)); errors.Is(err, errDisk) {
					told.Add(1)
				}
			})
		}
		writers.Wait()
		if told.Load() != 10 {
			t.Errorf("%d of 10 writers were told that the disk is full", told.Load())
		}
		slow.failing.Store(false)
		if err := log.Append(t.Context(), batchtest.Result(0)); err != nil {
			t.Errorf("the log does not recover: %v", err)
		}
	})
}

func TestLogFinishesWhatItAccepted(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	synctest.Test(t, func(t *testing.T) {
		log := batch.NewLog(&slowBucket{Folder: bucket, wait: time.Second}, "night")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := log.Append(ctx, batchtest.Result(0)); err != nil {
			t.Errorf("the end of the caller's time stopped a write that others share: %v", err)
		}
		if err := log.Append(ctx, batchtest.Result(0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v from a log that was asked too late", err)
		}
	})
}

func TestLogWithDamage(t *testing.T) {
	t.Parallel()
	line := func(row string) string {
		return fmt.Sprintf(`{"job":"%s","row":"%s","state":"succeeded","inputs":{},"variables":{"job":"smith"},"recorded":"2026-03-04T22:00:00Z"}`, row, row)
	}
	cases := map[string]struct {
		text string
		want string // rows
		err  string
	}{
		"torn last line":                      {line("a") + "\n" + line("b")[:40], "a", ""},
		"last line without newline":           {line("a") + "\n" + line("b"), "a b", ""},
		"empty lines":                         {"\n" + line("a") + "\n\n" + line("b") + "\n", "a b", ""},
		"torn write with another line behind": {line("a") + "\n" + line("b")[:40] + line("c") + "\n", "a c", ""},
		"torn in a variable named job":        {line("b")[:strings.Index(line("b"), "smith")+2] + line("c") + "\n", "c", ""},
		"newline lost":                        {line("a") + line("b") + "\n" + line("c") + "\n", "a b c", ""},
		"twice":                               {line("a") + "\n" + line("a") + "\n", "a a", ""},
		"broken in the middle":                {line("a") + "\n" + line("b")[:40] + "\n" + line("c") + "\n", "a", "results.jsonl, line 2"},
		"another kind of file":                {"hello\n", "", "results.jsonl, line 1"},
		"JSON that is no result":              {"{}\n", "", "results.jsonl, line 1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := batchtest.NewFolder(t)
			bucket.Write(t, "night/results.jsonl", c.text)
			var rows []string
			var complaint string
			for result, err := range batch.NewLog(bucket, "night").Succeeded(t.Context()) {
				if err != nil {
					if complaint = err.Error(); job.Hint(err) == "" {
						t.Errorf("error %v has no hint", err)
					}
					break
				}
				rows = append(rows, result.Row)
			}
			if got := strings.Join(rows, " "); got != c.want {
				t.Errorf("rows %q, want %q", got, c.want)
			}
			if (complaint == "") != (c.err == "") || !strings.Contains(complaint, c.err) {
				t.Errorf("error %q, want %q", complaint, c.err)
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	log := batch.NewLog(batchtest.NewFolder(b), "night")
	result := batchtest.Result(0)
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := log.Append(b.Context(), result); err != nil {
				b.Error(err)
			}
		}
	})
}
