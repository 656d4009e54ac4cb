package image_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"go/build"
	"hash/crc32"
	stdimage "image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	_ "golang.org/x/image/webp"

	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// goodImages are whole images of every kind that must pass.
func goodImages() map[string][]byte {
	baseline := buckettest.JPEG(120, 80, 1)
	profile := bytes.Repeat([]byte{0xff, 0xd9, 'x'}, 65533/3)
	manySegments := baseline
	end := len(baseline) - 2
	filled := slices.Concat(baseline[:end], []byte{0xff, 0xff, 0xff}, baseline[end:])
	for range 8 {
		manySegments = buckettest.WithSegment(manySegments, 0xe2, profile)
	}
	return map[string][]byte{
		"png":                              buckettest.PNG(120, 80, 1),
		"png of one colour":                buckettest.FlatPNG(16, 16),
		"png with more chunks":             buckettest.WithChunk(buckettest.WithChunk(buckettest.PNG(30, 20, 1), "iTXt", []byte("XML:com.adobe.xmp\x00")), "caBX", make([]byte, 100_000)),
		"png with an empty chunk":          buckettest.WithChunk(buckettest.PNG(30, 20, 1), "teSt", nil),
		"jpeg":                             baseline,
		"jpeg, progressive":                buckettest.ProgressiveJPEG(),
		"jpeg with 500 kB before its size": manySegments,
		"jpeg with fill bytes":             filled,
		"jpeg with an empty segment":       buckettest.WithSegment(baseline, 0xef, nil),
		"webp, lossless":                   buckettest.WebP(60, 40, 1),
		"webp, extended":                   buckettest.ExtendedWebP(60, 40, 1),
		"webp, lossy":                      buckettest.LossyWebP(60, 40, 1),
	}
}

// readings are the ways in which a caller may read and a body may answer.
func readings() map[string]func(io.Reader) io.Reader {
	return map[string]func(io.Reader) io.Reader{
		"at once":       func(r io.Reader) io.Reader { return r },
		"byte by byte":  iotest.OneByteReader,
		"half filled":   iotest.HalfReader,
		"end with data": iotest.DataErrReader,
		"with pauses":   func(r io.Reader) io.Reader { return &pausing{r: r} },
	}
}

// pausing answers every second time with nothing.
type pausing struct {
	r     io.Reader
	pause bool
}

func (p *pausing) Read(b []byte) (int, error) {
	p.pause = !p.pause
	if p.pause {
		return 0, nil
	}
	return p.r.Read(b[:min(len(b), 1000)])
}

func TestGuardPassesGoodImages(t *testing.T) {
	t.Parallel()
	for name, file := range goodImages() {
		for how, wrap := range readings() {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				guard := image.NewGuard(wrap(bytes.NewReader(file)), int64(len(file)), image.Limits{})
				got, err := io.ReadAll(wrap(guard))
				if err != nil || !bytes.Equal(got, file) {
					t.Fatalf("%d of %d bytes passed: %v", len(got), len(file), err)
				}
				wantInfo(t, guard.Info(), file)
			})
		}
	}
}

// wantInfo compares with what the decoders of the standard library say.
func wantInfo(t *testing.T, got image.Info, file []byte) {
	t.Helper()
	config, format, err := stdimage.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := image.Info{
		Format: image.Format(format), Width: config.Width, Height: config.Height,
		Bytes: int64(len(file)), CRC32: crc32.ChecksumIEEE(file),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
}

func TestGuardPassesTheImagesOfTheGoTree(t *testing.T) {
	t.Parallel()
	var names []string
	for _, pattern := range []string{"image/testdata/*.png", "image/testdata/*.jpeg", "image/png/testdata/pngsuite/*.png"} {
		found, err := filepath.Glob(filepath.Join(build.Default.GOROOT, "src", pattern))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	if len(names) == 0 {
		t.Skip("the Go tree here has no test images")
	}
	truncated := "truncated"
	for _, name := range names {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		guard := image.NewGuard(bytes.NewReader(file), int64(len(file)), image.Limits{})
		_, err = io.Copy(io.Discard, guard)
		if strings.Contains(filepath.Base(name), truncated) {
			continue // truncated before its end was written; some have an end marker all the same
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantInfo(t, guard.Info(), file)
	}
}

// wantBad reads a body that is no good image. No reading may get all of it.
func wantBad(t *testing.T, body []byte, length int64, limits image.Limits) (reason string) {
	t.Helper()
	guard := image.NewGuard(bytes.NewReader(body), length, limits)
	got, err := io.ReadAll(guard)
	bad, isBad := errors.AsType[*job.BadImageError](err)
	if !isBad {
		t.Fatalf("reading answered %v", err)
	}
	if len(got) > max(len(body)-16, 0) {
		t.Errorf("%d of %d bytes passed before %v", len(got), len(body), err)
	}
	if n, again := guard.Read(make([]byte, 100)); n != 0 || !errors.Is(again, err) {
		t.Errorf("reading on gave %d bytes and %v", n, again)
	}
	return bad.Reason
}

func TestGuardFindsEveryCut(t *testing.T) {
	t.Parallel()
	const points = 60
	for name, file := range goodImages() {
		for point := range points {
			cut := (len(file) - 1) * point / (points - 1)
			wantBad(t, file[:cut], int64(len(file)), image.Limits{})
			wantBad(t, file[:cut], -1, image.Limits{})
			if t.Failed() {
				t.Fatalf("%s cut after %d of %d bytes", name, cut, len(file))
			}
		}
	}
}

func TestGuardFindsEveryFlippedBitOfAPNG(t *testing.T) {
	t.Parallel()
	file := buckettest.WithChunk(buckettest.PNG(20, 10, 1), "tEXt", []byte("words"))
	for at := range len(file) * 8 {
		flipped := bytes.Clone(file)
		flipped[at/8] ^= 1 << (at % 8)
		wantBad(t, flipped, int64(len(file)), image.Limits{})
		if t.Failed() {
			t.Fatalf("bit %d of byte %d", at%8, at/8)
		}
	}
}

func TestGuardFindsDamagedStructure(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		file   []byte
		at     int // flipped byte, from the end where negative
		reason string
	}{
		{"webp length", buckettest.WebP(20, 10, 1), 4, "its head says"},
		{"webp kind", buckettest.WebP(20, 10, 1), 12, "begin with a chunk"},
		{"webp chunk length", buckettest.WebP(20, 10, 1), 17, "add up"},
		{"webp lossless signature", buckettest.WebP(20, 10, 1), 20, "damaged"},
		{"webp frame start", buckettest.LossyWebP(20, 10, 1), 23, "damaged"},
		{"jpeg segment length", buckettest.WithSegment(buckettest.JPEG(20, 10, 1), 0xe2, make([]byte, 300)), 5, "marker"},
		{"jpeg end", buckettest.JPEG(20, 10, 1), -1, "end"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at := (test.at + len(test.file)) % len(test.file)
			test.file[at] ^= 0x55
			if reason := wantBad(t, test.file, int64(len(test.file)), image.Limits{}); !strings.Contains(reason, test.reason) {
				t.Errorf("reason %q, want something about %q", reason, test.reason)
			}
		})
	}
}

func TestGuardNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := buckettest.PNG(20, 10, 1)
	size := int64(len(file))
	huge := bytes.Clone(file)
	binary.BigEndian.PutUint32(huge[16:], 100_000)
	binary.BigEndian.PutUint32(huge[20:], 100_000)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	tests := []struct {
		name   string
		body   []byte
		length int64
		limits image.Limits
		reason string
	}{
		{"empty", nil, -1, image.Limits{}, "the body is empty"},
		{"empty, announced", nil, 0, image.Limits{}, "the body is empty"},
		{"html", []byte("\n <!DOCTYPE html><html><body>Sorry"), -1, image.Limits{}, "an HTML page"},
		{"html without doctype", []byte("<HTML><head>"), -1, image.Limits{}, "an HTML page"},
		{"xml", []byte("\xef\xbb\xbf<?xml version=\"1.0\"?><Error><Code>AccessDenied"), -1, image.Limits{}, "an XML document"},
		{"json", []byte(`{"error":"expired"}`), -1, image.Limits{}, "a JSON answer"},
		{"gif", []byte("GIF89a and so on"), -1, image.Limits{}, "a GIF image"},
		{"avif", []byte("\x00\x00\x00\x20ftypavif\x00\x00"), -1, image.Limits{}, `"avif"`},
		{"wav", []byte("RIFF\x00\x00\x00\x00WAVEfmt "), -1, image.Limits{}, "a RIFF file of another kind"},
		{"gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), -1, image.Limits{}, "gzip"},
		{"text", []byte("not found"), -1, image.Limits{}, `it begins with "not found"`},
		{"shorter than announced", file, size + 1, image.Limits{}, "after " + fmt.Sprint(size) + " of the announced"},
		{"longer than announced", file, size - 1, image.Limits{}, "more than the announced"},
		{"bytes behind a png", append(bytes.Clone(file), '\n'), -1, image.Limits{}, "bytes follow the end of the PNG"},
		{"bytes behind a webp", append(buckettest.WebP(9, 9, 1), 0, 0), -1, image.Limits{}, "its head says"},
		{"announced too large", file, size, image.Limits{MaxBytes: size - 1}, "more than the limit"},
		{"too large", file, -1, image.Limits{MaxBytes: size - 1}, "larger than the limit"},
		{"too many pixels", file, -1, image.Limits{MaxPixels: 199}, "20 x 10 pixels are more than the limit of 199"},
		{"far too many pixels", huge, -1, image.Limits{}, "100000 x 100000 pixels"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if reason := wantBad(t, test.body, test.length, test.limits); !strings.Contains(reason, test.reason) {
				t.Errorf("reason %q, want %q in it", reason, test.reason)
			}
		})
	}
}

func TestGuardTakesBytesBehindAJPEG(t *testing.T) {
	t.Parallel()
	file := append(buckettest.JPEG(20, 10, 1), buckettest.JPEG(10, 5, 2)...)
	guard := image.NewGuard(bytes.NewReader(file), int64(len(file)), image.Limits{})
	got, err := io.ReadAll(guard)
	if err != nil || !bytes.Equal(got, file) || guard.Info().Width != 20 {
		t.Errorf("%d of %d bytes, %+v, %v", len(got), len(file), guard.Info(), err)
	}
}

func TestGuardPassesErrorsOfTheBodyOn(t *testing.T) {
	t.Parallel()
	file := buckettest.PNG(60, 60, 1)
	reset := errors.New("connection reset")
	for _, at := range []int{0, 5, 12, 600, 5000} {
		guard := image.NewGuard(io.MultiReader(bytes.NewReader(file[:at]), iotest.ErrReader(reset)), -1, image.Limits{})
		if _, err := io.ReadAll(guard); !errors.Is(err, reset) {
			t.Errorf("broken after %d bytes: %v", at, err)
		}
	}
	guard := image.NewGuard(io.MultiReader(bytes.NewReader(file[:600]), iotest.ErrReader(io.ErrUnexpectedEOF)), -1, image.Limits{})
	_, err := io.ReadAll(guard)
	if _, bad := errors.AsType[*job.BadImageError](err); !bad || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a body that its transport knows to be cut: %v", err)
	}
}

func TestGuardGivesUpOnABodyThatSaysNothing(t *testing.T) {
	t.Parallel()
	file := buckettest.PNG(60, 60, 1)
	silent := io.MultiReader(bytes.NewReader(file[:600]), silence{})
	if _, err := io.ReadAll(image.NewGuard(silent, -1, image.Limits{})); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("reading answered %v", err)
	}
}

// silence never ends and never says anything.
type silence struct{}

func (silence) Read([]byte) (int, error) { return 0, nil }

func TestSniffDoesNotConsume(t *testing.T) {
	t.Parallel()
	file := buckettest.WebP(20, 10, 1)
	guard := image.NewGuard(iotest.OneByteReader(bytes.NewReader(file)), -1, image.Limits{})
	for range 2 {
		if format, err := guard.Sniff(); format != image.WebP || err != nil {
			t.Errorf("Sniff = %q, %v", format, err)
		}
	}
	got, err := io.ReadAll(guard)
	if err != nil || !bytes.Equal(got, file) {
		t.Errorf("%d of %d bytes: %v", len(got), len(file), err)
	}
}
