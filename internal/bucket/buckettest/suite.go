// Package buckettest holds what every kind of bucket must do, as tests, and draws
// the images they need.
package buckettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/bucket"
	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// Bucket is what is tested.
type Bucket interface {
	image.Store
	Put(ctx context.Context, key string, body io.Reader) error
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	Stat(ctx context.Context, key string) (bucket.Object, error)
	Append(ctx context.Context, key string, data []byte) error
	Delete(ctx context.Context, key string) error
	Compact(ctx context.Context, key string) error
	Folders(ctx context.Context, folder string) ([]string, error)
	Sweep(ctx context.Context, folder string) (removed int, err error)
	Lock(ctx context.Context, key string) (unlock func() error, err error)
	Path(key string) string
}

// Run tests buckets; open gives an empty one each time.
func Run(t *testing.T, open func(t *testing.T) Bucket) {
	tests := []struct {
		name string
		run  func(t *testing.T, b Bucket)
	}{
		{"objects are read back and replaced", objectsAreReplaced},
		{"what is absent is said to be", absent},
		{"keys that escape are refused", badKeys},
		{"a put that fails leaves nothing", failedPutLeavesNothing},
		{"a put that fails keeps what was there", failedPutKeepsOld},
		{"appended lines follow each other", appendedLines},
		{"appending goroutines lose nothing", concurrentAppends},
		{"images of every format keep their bytes", formats},
		{"metadata comes back", metadata},
		{"an existing image is known", existing},
		{"a changed image is not taken for the old one", existingChanged},
		{"a name that asks for another format is kept", literalExtension},
		{"an image of another job is replaced", otherJob},
		{"a cut image is never there", cutImages},
		{"a cut image keeps what was there", cutImagesKeepOld},
		{"a cancelled put leaves nothing", cancelled},
		{"a test batch has its folder below another", testBatch},
		{"images put at once in new folders", manyAtOnce},
		{"the sidecar is that of the image that won", sidecarsFit},
		{"readers see whole images while they are replaced", wholeWhileReplaced},
		{"names with odd characters", oddNames},
		{"deleted objects are gone", deletedAreGone},
		{"folders are listed", foldersAreListed},
		{"a put replaces what was appended", putReplacesAppended},
		{"appended lines count to the size", appendedSize},
		{"compaction changes nothing", compactionChangesNothing},
		{"compaction loses no line that others append", compactWhileAppending},
		{"large objects of unknown length", largeObjects},
		{"a large put that fails keeps what was there", failedLargePut},
		{"what is no object has a path, and locks are given back", pathsAndLocks},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

func objectsAreReplaced(t *testing.T, b Bucket) {
	for _, text := range []string{"a longer first text", "short", "", "and back"} {
		put(t, b, "batch/report.json", text)
		wantObject(t, b, "batch/report.json", text)
		object, err := b.Stat(t.Context(), "batch/report.json")
		noError(t, err)
		if object.Key != "batch/report.json" || object.Size != int64(len(text)) || object.ModTime.IsZero() {
			t.Errorf("Stat = %+v for an object of %d bytes", object, len(text))
		}
	}
}

func oddNames(t *testing.T, b Bucket) {
	for _, name := range []string{"a b", "a+b", "a&b=c", "ü und 日本", "100%41", "a#b", "it's", "a;b,c", "(a)~!$@", "x{y}"} {
		for _, key := range []string{"batch/" + name + "/" + name + ".txt", "batch/" + name + ".jsonl"} {
			put(t, b, key, name+"\n")
			wantObject(t, b, key, name+"\n")
		}
		noError(t, b.Append(t.Context(), "batch/"+name+".jsonl", []byte("more\n")))
		noError(t, b.Compact(t.Context(), "batch/"+name+".jsonl"))
		wantObject(t, b, "batch/"+name+".jsonl", name+"\nmore\n")
		folders, err := b.Folders(t.Context(), "batch")
		noError(t, err)
		if !slices.Contains(folders, name) {
			t.Errorf("folder %q is not in %q", name, folders)
		}
		image := putImage(t, b, "batch/"+name+"/"+name+".{ext}", PNG(9, 9, 1), owner)
		again, found, err := b.Existing(t.Context(), "batch/"+name+"/"+name+".{ext}", owner)
		noError(t, err)
		if !found || again != image {
			t.Errorf("image %q was not found again", name)
		}
	}
}

func absent(t *testing.T, b Bucket) {
	put(t, b, "batch/folder/object", "x")
	for _, key := range []string{"batch/other", "batch/folder", "nobatch/x", "batch/folder/object/deeper"} {
		_, openErr := b.Open(t.Context(), key)
		_, statErr := b.Stat(t.Context(), key)
		if !errors.Is(openErr, fs.ErrNotExist) || !errors.Is(statErr, fs.ErrNotExist) {
			t.Errorf("key %q: Open says %v, Stat says %v", key, openErr, statErr)
		}
	}
}

func badKeys(t *testing.T, b Bucket) {
	long := strings.Repeat("x", 300)
	for _, key := range []string{
		"", ".", "..", "../x", "a/../../x", "a/..", "/etc/passwd", "a//b", "a/", "./a", "a/./b",
		`a\b`, `..\x`, "a\x00b", "a/.nightshift-x", "batch/" + long,
	} {
		image := image.Put{Name: key, Body: bytes.NewReader(PNG(4, 4, 1)), Length: -1}
		_, imageErr := b.PutImage(t.Context(), image)
		_, openErr := b.Open(t.Context(), key)
		_, statErr := b.Stat(t.Context(), key)
		for what, err := range map[string]error{
			"PutImage": imageErr, "Open": openErr, "Stat": statErr,
			"Put": b.Put(t.Context(), key, strings.NewReader("x")), "Append": b.Append(t.Context(), key, []byte("x\n")),
			"Append to a log": b.Append(t.Context(), key+".jsonl/", []byte("x\n")),
			"Delete":          b.Delete(t.Context(), key), "Compact": b.Compact(t.Context(), key),
		} {
			if !errors.Is(err, job.ErrInvalid) {
				t.Errorf("%s with key %q: %v", what, key, err)
			}
		}
	}
}

var errBroken = errors.New("broken on purpose")

func failedPutLeavesNothing(t *testing.T, b Bucket) {
	for _, size := range []int{0, 1, 1000, 300_000} {
		key := fmt.Sprintf("batch/%d", size)
		body := io.MultiReader(strings.NewReader(strings.Repeat("x", size)), iotest.ErrReader(errBroken))
		if err := b.Put(t.Context(), key, body); !errors.Is(err, errBroken) {
			t.Errorf("Put of a body broken after %d bytes: %v", size, err)
		}
		wantAbsent(t, b, key)
	}
}

func failedPutKeepsOld(t *testing.T, b Bucket) {
	put(t, b, "batch/report.json", "old")
	body := io.MultiReader(strings.NewReader("new but"), iotest.ErrReader(errBroken))
	if err := b.Put(t.Context(), "batch/report.json", body); !errors.Is(err, errBroken) {
		t.Errorf("Put of a broken body: %v", err)
	}
	wantObject(t, b, "batch/report.json", "old")
}

func appendedLines(t *testing.T, b Bucket) {
	noError(t, b.Append(t.Context(), "batch/results.jsonl", []byte("one\n")))
	noError(t, b.Append(t.Context(), "batch/results.jsonl", []byte("two\nthree\n")))
	wantObject(t, b, "batch/results.jsonl", "one\ntwo\nthree\n")
	if err := b.Append(t.Context(), "batch/results.jsonl", []byte("half a line")); !errors.Is(err, job.ErrInvalid) {
		t.Errorf("Append of half a line: %v", err)
	}
	if err := b.Append(t.Context(), "batch/results.txt", []byte("a line\n")); !errors.Is(err, job.ErrInvalid) {
		t.Errorf("Append to what is no log: %v", err)
	}
	wantObject(t, b, "batch/results.jsonl", "one\ntwo\nthree\n")
}

func concurrentAppends(t *testing.T, b Bucket) {
	const writers = 40
	padding := strings.Repeat("x", 64<<10)
	start := make(chan struct{})
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			<-start
			if err := b.Append(t.Context(), "batch/log.jsonl", fmt.Appendf(nil, "%d %s\n", writer, padding)); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	group.Wait()
	got, want := map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(read(t, b, "batch/log.jsonl"))) {
		got[strings.TrimSuffix(line, " "+padding+"\n")]++
	}
	for writer := range writers {
		want[fmt.Sprint(writer)] = 1
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, b Bucket, key, text string) {
	t.Helper()
	noError(t, b.Put(t.Context(), key, strings.NewReader(text)))
}

func read(t *testing.T, b Bucket, key string) []byte {
	t.Helper()
	body, err := b.Open(t.Context(), key)
	noError(t, err)
	defer body.Close()
	data, err := io.ReadAll(body)
	noError(t, err)
	return data
}

func wantObject(t *testing.T, b Bucket, key, want string) {
	t.Helper()
	if got := read(t, b, key); string(got) != want {
		t.Errorf("object %q has %d bytes %.40q, want %d bytes %.40q", key, len(got), got, len(want), want)
	}
}

func wantAbsent(t *testing.T, b Bucket, key string) {
	t.Helper()
	if _, err := b.Open(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open(%q) = %v, want the object to be absent", key, err)
	}
}
