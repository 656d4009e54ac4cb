package buckettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// cutPoints is at how many places an image is cut off.
const cutPoints = 60

// cutting calls use with bodies that end too early, in all the ways a body can.
func cutting(file []byte, use func(how string, body io.Reader, length int64)) {
	whole := int64(len(file))
	for at := range cutPoints {
		cut := len(file) * at / cutPoints
		if at == cutPoints-1 {
			cut = len(file) - 1
		}
		head := bytes.NewReader
		use(fmt.Sprintf("ends after %d of %d, length known", cut, whole), head(file[:cut]), whole)
		use(fmt.Sprintf("ends after %d of %d, length unknown", cut, whole), head(file[:cut]), -1)
		use(fmt.Sprintf("breaks after %d of %d", cut, whole),
			io.MultiReader(head(file[:cut]), iotest.ErrReader(errBroken)), whole)
	}
}

func cutImages(t *testing.T, b Bucket) {
	for name, file := range map[string][]byte{
		"batch/a.png": PNG(300, 200, 1), "batch/a.jpg": JPEG(300, 200, 1), "batch/a.webp": WebP(100, 100, 1),
	} {
		cutting(file, func(how string, body io.Reader, length int64) {
			_, err := b.PutImage(t.Context(), image.Put{Name: name, Body: body, Length: length, Metadata: owner})
			wantBadOrBroken(t, how, err)
			wantAbsent(t, b, name)
		})
	}
}

func cutImagesKeepOld(t *testing.T, b Bucket) {
	old, file := PNG(20, 10, 1), PNG(60, 40, 2)
	putImage(t, b, "batch/a.png", old, owner)
	next := owner
	next.Asset = "asset_2"
	cutting(file, func(how string, body io.Reader, length int64) {
		_, err := b.PutImage(t.Context(), image.Put{Name: "batch/a.png", Body: body, Length: length, Metadata: next})
		wantBadOrBroken(t, how, err)
		_, found, err := b.Existing(t.Context(), "batch/a.png", owner)
		if err != nil || !found {
			t.Errorf("%s: the image before is gone: %v", how, err)
		}
	})
}

func wantBadOrBroken(t *testing.T, how string, err error) {
	t.Helper()
	_, bad := errors.AsType[*job.BadImageError](err)
	if !bad && !errors.Is(err, errBroken) {
		t.Errorf("%s: PutImage = %v", how, err)
	}
}

func cancelled(t *testing.T, b Bucket) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	file := PNG(600, 400, 1)
	left := bytes.NewReader(file)
	body := readerFunc(func(p []byte) (int, error) {
		if left.Len() < len(file)/2 {
			cancel(cause)
		}
		return left.Read(p[:min(len(p), 32<<10)])
	})
	_, err := b.PutImage(ctx, image.Put{Name: "batch/a.png", Body: body, Length: int64(len(file)), Metadata: owner})
	if !errors.Is(err, cause) {
		t.Errorf("PutImage = %v, want the cause of the cancellation", err)
	}
	wantAbsent(t, b, "batch/a.png")
}

func testBatch(t *testing.T, b Bucket) {
	file := PNG(20, 10, 1)
	stored := putImage(t, b, "test/batch/icons/a.png", file, owner)
	if stored.Key != "icons/a.png" {
		t.Errorf("the key within the batch is %q", stored.Key)
	}
	wantObject(t, b, "test/batch/icons/a.png", string(file))
	for _, name := range []string{"a.png", "test/a.png", "batch/_nightshift/a.png", "test/batch/_nightshift/a.png"} {
		_, err := b.PutImage(t.Context(), image.Put{Name: name, Body: bytes.NewReader(file), Length: -1})
		if !errors.Is(err, job.ErrInvalid) {
			t.Errorf("PutImage as %q: %v", name, err)
		}
	}
}

// manyAtOnce puts good and bad images into folders that are made for them, and
// taken away again for the bad ones.
func manyAtOnce(t *testing.T, b Bucket) {
	const folders, images = 20, 6
	good, bad := PNG(30, 30, 1), PNG(30, 30, 1)[:200]
	for folder := range folders {
		var group sync.WaitGroup
		for at := range images {
			group.Go(func() {
				file, key := good, fmt.Sprintf("batch/%d/a/b/%d.png", folder, at)
				if at%2 == 1 {
					file = bad
				}
				_, err := b.PutImage(t.Context(), image.Put{Name: key, Body: bytes.NewReader(file), Length: -1, Metadata: owner})
				if (err != nil) != (at%2 == 1) {
					t.Errorf("image %d: %v", at, err)
				}
			})
		}
		group.Wait()
		for at := 0; at < images; at += 2 {
			wantObject(t, b, fmt.Sprintf("batch/%d/a/b/%d.png", folder, at), string(good))
			wantAbsent(t, b, fmt.Sprintf("batch/%d/a/b/%d.png", folder, at+1))
		}
	}
}

func wholeWhileReplaced(t *testing.T, b Bucket) {
	versions := map[string]bool{}
	files := make([][]byte, 4)
	for at := range files {
		files[at] = PNG(20+30*at, 50, uint64(at))
		versions[string(files[at])] = true
	}
	putImage(t, b, "batch/a.png", files[0], owner)
	done := make(chan struct{})
	var readers, writers sync.WaitGroup
	readers.Go(func() {
		for reading := true; reading; {
			select {
			case <-done:
				reading = false
			default:
			}
			body, err := b.Open(t.Context(), "batch/a.png")
			if err != nil {
				t.Error(err)
				continue
			}
			data, err := io.ReadAll(body)
			if err != nil || !versions[string(data)] {
				t.Errorf("a reader saw %d bytes that are none of the images: %v", len(data), err)
			}
			body.Close()
		}
	})
	for _, file := range files {
		writers.Go(func() {
			for range 8 {
				_, err := b.PutImage(t.Context(), image.Put{Name: "batch/a.png", Body: bytes.NewReader(file), Length: -1, Metadata: owner})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

func sidecarsFit(t *testing.T, b Bucket) {
	const rounds, writers = 20, 4
	for range rounds {
		var group sync.WaitGroup
		for at := range writers {
			file, meta := PNG(10+at, 10, 1), owner
			meta.Index = at
			group.Go(func() {
				_, err := b.PutImage(t.Context(), image.Put{Name: "batch/a.png", Body: bytes.NewReader(file), Length: -1, Metadata: meta})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		owners := 0
		for at := range writers {
			meta := owner
			meta.Index = at
			_, found, err := b.Existing(t.Context(), "batch/a.png", meta)
			noError(t, err)
			if found {
				owners++
			}
		}
		if owners != 1 {
			t.Fatalf("the image belongs to %d of the %d that put it", owners, writers)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
