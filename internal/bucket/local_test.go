package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/bucket"
	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

func TestLocalConforms(t *testing.T) {
	t.Parallel()
	buckettest.Run(t, func(t *testing.T) buckettest.Bucket {
		dir := filepath.Join(t.TempDir(), "made", "by", "puts")
		t.Cleanup(func() { wantNoPart(t, dir) })
		return newLocal(t, dir)
	})
}

func newLocal(t testing.TB, dir string) *bucket.Local {
	t.Helper()
	b, err := bucket.NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tree lists all files and folders below dir.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if relative, _ := filepath.Rel(dir, name); relative != "." {
			names = append(names, filepath.ToSlash(relative))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

func wantNoPart(t testing.TB, dir string) {
	t.Helper()
	if at := slices.IndexFunc(tree(t, dir), func(name string) bool { return strings.HasSuffix(name, ".part") }); at >= 0 {
		t.Errorf("an unfinished file is left in %v", tree(t, dir))
	}
}

func TestNothingIsWrittenBeforeTheFirstPut(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	b := newLocal(t, filepath.Join(parent, "out"))
	if _, err := b.Open(t.Context(), "batch/a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open in a folder that is not there: %v", err)
	}
	if removed, err := b.Sweep(t.Context(), "."); removed != 0 || err != nil {
		t.Errorf("Sweep of a folder that is not there = %d, %v", removed, err)
	}
	if _, found, err := b.Existing(t.Context(), "batch/a.{ext}", image.Metadata{}); found || err != nil {
		t.Errorf("Existing in a folder that is not there = %v, %v", found, err)
	}
	if names := tree(t, parent); len(names) != 0 {
		t.Errorf("these were made: %v", names)
	}
}

func TestFailedPutsTakeTheirFoldersAway(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	b := newLocal(t, filepath.Join(parent, "made", "out"))
	broken := errors.New("broken on purpose")
	file := buckettest.PNG(30, 30, 1)
	_, cutErr := b.PutImage(t.Context(), image.Put{Name: "batch/a/b.png", Body: bytes.NewReader(file[:500]), Length: -1})
	putErr := b.Put(t.Context(), "batch/c/d.json", iotest.ErrReader(broken))
	if cutErr == nil || !errors.Is(putErr, broken) {
		t.Errorf("PutImage = %v, Put = %v", cutErr, putErr)
	}
	if names := tree(t, parent); len(names) != 0 {
		t.Errorf("these are left: %v", names)
	}
}

func TestPutImageLeavesTheImageAndItsRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newLocal(t, dir)
	file := buckettest.PNG(30, 30, 1)
	for range 2 {
		if _, err := b.PutImage(t.Context(), image.Put{Name: "batch/a/b.png", Body: bytes.NewReader(file), Length: -1}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"batch", "batch/_nightshift", "batch/_nightshift/objects", "batch/_nightshift/objects/a",
		"batch/_nightshift/objects/a/b.png.json", "batch/a", "batch/a/b.png",
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestImageThatCannotBeNamedLeavesTheRecordBefore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newLocal(t, dir)
	blocked := filepath.Join(dir, "batch", "a.png")
	if err := os.MkdirAll(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := b.PutImage(t.Context(), image.Put{Name: "batch/a.png", Body: bytes.NewReader(buckettest.PNG(9, 9, 1)), Length: -1})
	if job.Hint(err) == "" {
		t.Errorf("an image in the place of a folder: %v, without a hint", err)
	}
	if diff := cmp.Diff([]string{"batch", "batch/a.png"}, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestNewLocalRefusesWhatIsNoFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file, filepath.Join(file, "below")} {
		if _, err := bucket.NewLocal(dir); job.Hint(err) == "" {
			t.Errorf("NewLocal(%q) = %v, without a hint", dir, err)
		}
	}
}

func TestFileInTheWayIsExplained(t *testing.T) {
	t.Parallel()
	b := newLocal(t, t.TempDir())
	if err := b.Put(t.Context(), "batch/icons", strings.NewReader("a file")); err != nil {
		t.Fatal(err)
	}
	err := b.Put(t.Context(), "batch/icons/a.png", strings.NewReader("x"))
	if !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(job.Hint(err), b.Path("batch/icons")) {
		t.Errorf("Put below a file: %v, hint %q", err, job.Hint(err))
	}
}

func TestSymbolicLinksDoNotLeadOut(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	b := newLocal(t, dir)
	secret := filepath.Join(outside, "secret")
	if err := errors.Join(
		os.WriteFile(secret, []byte("untouched"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "batch")),
		os.Symlink(secret, filepath.Join(dir, "link")),
		os.Symlink(secret, filepath.Join(dir, "link.jsonl")),
	); err != nil {
		t.Fatal(err)
	}
	file := bytes.NewReader(buckettest.PNG(9, 9, 1))
	_, imageErr := b.PutImage(t.Context(), image.Put{Name: "batch/a.png", Body: file, Length: -1})
	_, openErr := b.Open(t.Context(), "batch/secret")
	_, linkErr := b.Open(t.Context(), "link")
	_, lockErr := b.Lock(t.Context(), "link")
	for what, err := range map[string]error{
		"PutImage": imageErr, "Open": openErr, "Open of a link": linkErr, "Lock": lockErr,
		"Put":    b.Put(t.Context(), "batch/secret", strings.NewReader("x")),
		"Append": b.Append(t.Context(), "link.jsonl", []byte("x\n")),
	} {
		if err == nil {
			t.Errorf("%s went out of the bucket", what)
		}
	}
	data, err := os.ReadFile(secret)
	if err != nil || string(data) != "untouched" {
		t.Errorf("the file outside holds %q, %v", data, err)
	}
	if diff := cmp.Diff([]string{"secret"}, tree(t, outside)); diff != "" {
		t.Errorf("files outside (-want +got):\n%s", diff)
	}
}

func TestPathStaysInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newLocal(t, dir)
	for key, want := range map[string]string{
		"batch/a.png": filepath.Join(dir, "batch", "a.png"), "": dir, "../../x": filepath.Join(dir, "x"), "/x": filepath.Join(dir, "x"),
	} {
		if got := b.Path(key); got != want {
			t.Errorf("Path(%q) = %s, want %s", key, got, want)
		}
	}
}

func TestDamagedRecordCountsAsMissing(t *testing.T) {
	t.Parallel()
	b := newLocal(t, t.TempDir())
	put := image.Put{Name: "batch/a.png", Body: bytes.NewReader(buckettest.PNG(9, 9, 1)), Length: -1}
	if _, err := b.PutImage(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.Path("batch/_nightshift/objects/a.png.json"), []byte(`{"metadata":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, found, err := b.Existing(t.Context(), "batch/a.png", image.Metadata{}); found || err != nil {
		t.Errorf("Existing = %v, %v", found, err)
	}
}

// Objects come and go in one folder of Nightshift's own, which is removed whenever it
// is empty. Nobody who puts or deletes one may notice.
func TestEmptyFoldersComeAndGo(t *testing.T) {
	t.Parallel()
	b, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() {
			key := fmt.Sprintf("_nightshift/open/batch/%d/open", i%4)
			for range 200 {
				if err := b.Put(t.Context(), key, strings.NewReader("x")); err != nil {
					t.Errorf("put: %v", err)
				}
				if err := b.Delete(t.Context(), key); err != nil {
					t.Errorf("delete: %v", err)
				}
			}
		})
	}
	workers.Wait()
	if names, err := os.ReadDir(b.Path("_nightshift")); err != nil || len(names) > 0 {
		t.Errorf("folders are left: %v, %v", names, err)
	}
}

// BenchmarkPutImage stores images of 50 kB durably, 16 at once.
func BenchmarkPutImage(b *testing.B) {
	file := buckettest.PNG(128, 96, 1)
	local := newLocal(b, b.TempDir())
	var count atomic.Int64
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			name := fmt.Sprintf("batch/%d.{ext}", count.Add(1))
			put := image.Put{Name: name, Body: bytes.NewReader(file), Length: int64(len(file))}
			if _, err := local.PutImage(b.Context(), put); err != nil {
				b.Error(err)
			}
		}
	})
}
