package buckettest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const logKey = "batch/results.jsonl"

func appendLine(t *testing.T, b Bucket, line string) {
	t.Helper()
	noError(t, b.Append(t.Context(), logKey, []byte(line+"\n")))
}

func deletedAreGone(t *testing.T, b Bucket) {
	put(t, b, "batch/report.json", "{}")
	putImage(t, b, "batch/a.png", PNG(20, 10, 1), owner)
	put(t, b, logKey, "one\n")
	appendLine(t, b, "two")
	for range 2 { // the second time nothing is there
		for _, key := range []string{"batch/report.json", "batch/a.png", logKey, "nobatch/x"} {
			noError(t, b.Delete(t.Context(), key))
			wantAbsent(t, b, key)
		}
	}
	_, found, err := b.Existing(t.Context(), "batch/a.png", owner)
	if found || err != nil {
		t.Errorf("Existing of a deleted image = %v, %v", found, err)
	}
	appendLine(t, b, "three")
	wantObject(t, b, logKey, "three\n")
}

func foldersAreListed(t *testing.T, b Bucket) {
	for _, key := range []string{"b/x", "a/x", "a/deep/x", "test/c/x", "_own/x", ".hidden/x", "file", "a/_nightshift/plan.jsonl"} {
		put(t, b, key, "x")
	}
	for folder, want := range map[string][]string{
		"": {"a", "b", "test"}, "test": {"c"}, "a": {"deep"}, "b": nil, "none": nil, "a/deep": nil,
	} {
		got, err := b.Folders(t.Context(), folder)
		noError(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("folders of %q (-want +got):\n%s", folder, diff)
		}
	}
}

func putReplacesAppended(t *testing.T, b Bucket) {
	appendLine(t, b, "old")
	put(t, b, logKey, "new\n")
	wantObject(t, b, logKey, "new\n")
	appendLine(t, b, "newer")
	wantObject(t, b, logKey, "new\nnewer\n")
	put(t, b, logKey, "")
	wantObject(t, b, logKey, "")
}

func appendedSize(t *testing.T, b Bucket) {
	put(t, b, logKey, "one\n")
	appendLine(t, b, "two")
	appendLine(t, b, "three")
	object, err := b.Stat(t.Context(), logKey)
	noError(t, err)
	if object.Size != int64(len("one\ntwo\nthree\n")) || object.ModTime.IsZero() {
		t.Errorf("Stat = %+v", object)
	}
}

func compactionChangesNothing(t *testing.T, b Bucket) {
	noError(t, b.Compact(t.Context(), logKey)) // nothing is there
	wantAbsent(t, b, logKey)
	var want strings.Builder
	for at := range 30 {
		line := fmt.Sprintf("line %d", at)
		appendLine(t, b, line)
		want.WriteString(line + "\n")
		if at%7 == 0 {
			noError(t, b.Compact(t.Context(), logKey))
		}
		if at%5 == 0 {
			wantObject(t, b, logKey, want.String())
		}
	}
	wantObject(t, b, logKey, want.String())
	for range 2 {
		noError(t, b.Compact(t.Context(), logKey))
		wantObject(t, b, logKey, want.String())
	}
}

// compactWhileAppending lets writers append while others read and compact. Every
// line that was appended before a reader began must be in what it reads.
func compactWhileAppending(t *testing.T, b Bucket) {
	const writers, lines = 6, 25
	var mu sync.Mutex
	var written []string
	done := make(chan struct{})
	var writing, others sync.WaitGroup
	others.Go(func() {
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			mu.Lock()
			want := written
			mu.Unlock()
			if len(want) == 0 {
				continue
			}
			wantLines(t, string(read(t, b, logKey)), want)
			if err := b.Compact(t.Context(), logKey); err != nil {
				t.Errorf("Compact: %v", err)
			}
		}
	})
	for writer := range writers {
		writing.Go(func() {
			for at := range lines {
				line := fmt.Sprintf("%d of %d", at, writer)
				if err := b.Append(t.Context(), logKey, []byte(line+"\n")); err != nil {
					t.Error(err)
				}
				mu.Lock()
				written = append(written, line)
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	close(done)
	others.Wait()
	noError(t, b.Compact(t.Context(), logKey))
	wantLines(t, string(read(t, b, logKey)), written)
	wantOrder(t, string(read(t, b, logKey)), writers, lines)
}

func wantLines(t *testing.T, text string, want []string) {
	t.Helper()
	got := map[string]bool{}
	for line := range strings.Lines(text) {
		got[strings.TrimSuffix(line, "\n")] = true
	}
	for _, line := range want {
		if !got[line] {
			t.Errorf("line %q is lost", line)
		}
	}
}

// wantOrder checks that the lines of each writer first come in the order in which
// it wrote them.
func wantOrder(t *testing.T, text string, writers, lines int) {
	t.Helper()
	next := make([]int, writers)
	for line := range strings.Lines(text) {
		var at, writer int
		if _, err := fmt.Sscanf(line, "%d of %d", &at, &writer); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if at > next[writer] {
			t.Fatalf("line %d of writer %d comes before line %d", at, writer, next[writer])
		}
		next[writer] = max(next[writer], at+1)
	}
	for writer, at := range next {
		if at != lines {
			t.Errorf("writer %d has %d lines, want %d", writer, at, lines)
		}
	}
}

// large is more than two parts of any upload in parts.
func large() []byte {
	data := make([]byte, 17<<20+11)
	for at := range data {
		data[at] = byte(at >> 16)
	}
	return data
}

func largeObjects(t *testing.T, b Bucket) {
	data := large()
	for _, size := range []int{len(data), 8 << 20, 8<<20 + 1} {
		noError(t, b.Put(t.Context(), "batch/large", iotest.OneByteReader(bytes.NewReader(data[:1]))))
		noError(t, b.Put(t.Context(), "batch/large", io.MultiReader(bytes.NewReader(data[:size]))))
		if got := read(t, b, "batch/large"); !bytes.Equal(got, data[:size]) {
			t.Errorf("an object of %d bytes came back as %d other bytes", size, len(got))
		}
	}
}

func failedLargePut(t *testing.T, b Bucket) {
	put(t, b, "batch/large", "old")
	body := io.MultiReader(bytes.NewReader(large()), iotest.ErrReader(errBroken))
	if err := b.Put(t.Context(), "batch/large", body); !errors.Is(err, errBroken) {
		t.Errorf("Put of a large broken body: %v", err)
	}
	wantObject(t, b, "batch/large", "old")
}

func pathsAndLocks(t *testing.T, b Bucket) {
	if got := b.Path("batch/../../x"); strings.Contains(got, "..") || !strings.HasSuffix(got, "x") {
		t.Errorf("the path of a key that leads out is %q", got)
	}
	for range 2 {
		unlock, err := b.Lock(t.Context(), "batch/_nightshift/lock")
		noError(t, err)
		noError(t, unlock())
	}
	if removed, err := b.Sweep(t.Context(), "."); removed != 0 || err != nil {
		t.Errorf("Sweep of a bucket in order = %d, %v", removed, err)
	}
	if _, err := b.Sweep(t.Context(), "../out"); err == nil {
		t.Error("Sweep went out of the bucket")
	}
	if _, err := b.Open(t.Context(), "batch/none.jsonl"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a log that is not there: %v", err)
	}
}
