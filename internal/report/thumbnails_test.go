package report_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/HugoSmits86/nativewebp"

	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
	"nightshift/internal/report"
)

func encodePNG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	return written(t, func(file io.Writer) error { return png.Encode(file, picture) })
}

func encodeJPEG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	return written(t, func(file io.Writer) error { return jpeg.Encode(file, picture, nil) })
}

func encodeWebP(t testing.TB, picture image.Image) []byte {
	t.Helper()
	return written(t, func(file io.Writer) error { return nativewebp.Encode(file, picture, nil) })
}

func written(t testing.TB, encode func(io.Writer) error) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := encode(&data); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// filled is a picture of one colour.
func filled(target draw.Image, shade color.Color) image.Image {
	draw.Draw(target, target.Bounds(), image.NewUniform(shade), image.Point{}, draw.Src)
	return target
}

func thumbKey(image job.Image) string {
	return fmt.Sprintf("night/_nightshift/thumbs/%s/%s-%d.jpg", image.CRC32[:2], image.CRC32, image.Bytes)
}

func TestThumbnails(t *testing.T) {
	t.Parallel()
	red := color.NRGBA{R: 0xff, A: 0xff}
	ground := color.Gray{Y: 0x90}
	cases := map[string]struct {
		data []byte
		size image.Point // of the thumbnail
		want color.Color // in its middle
	}{
		"png":              {encodePNG(t, filled(image.NewNRGBA(image.Rect(0, 0, 640, 320)), red)), image.Pt(320, 160), red},
		"png, paletted":    {encodePNG(t, filled(image.NewPaletted(image.Rect(0, 0, 400, 800), palette.WebSafe), red)), image.Pt(160, 320), red},
		"png, 16 bit":      {encodePNG(t, filled(image.NewNRGBA64(image.Rect(0, 0, 400, 400)), red)), image.Pt(320, 320), red},
		"png, grey":        {encodePNG(t, filled(image.NewGray(image.Rect(0, 0, 640, 640)), color.White)), image.Pt(320, 320), color.White},
		"png, see-through": {encodePNG(t, image.NewNRGBA(image.Rect(0, 0, 500, 500))), image.Pt(320, 320), ground},
		"png, small":       {encodePNG(t, filled(image.NewNRGBA(image.Rect(0, 0, 20, 10)), red)), image.Pt(20, 10), red},
		"png, a thread":    {encodePNG(t, filled(image.NewNRGBA(image.Rect(0, 0, 3000, 2)), red)), image.Pt(320, 1), red},
		"jpeg":             {encodeJPEG(t, filled(image.NewRGBA(image.Rect(0, 0, 777, 999)), red)), image.Pt(248, 320), red},
		"webp":             {encodeWebP(t, filled(image.NewNRGBA(image.Rect(0, 0, 640, 480)), red)), image.Pt(320, 240), red},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := batchtest.NewFolder(t)
			stored := putImage(t, bucket, "night", "a.img", "", c.data, image.Point{})
			if err := report.NewThumbnails(bucket).Make(t.Context(), "night", stored); err != nil {
				t.Fatal(err)
			}
			thumb, err := jpeg.Decode(strings.NewReader(bucket.Text(t, thumbKey(stored))))
			if err != nil {
				t.Fatal(err)
			}
			if thumb.Bounds().Size() != c.size {
				t.Errorf("size %v, want %v", thumb.Bounds().Size(), c.size)
			}
			if got := thumb.At(c.size.X/2, c.size.Y/2); distance(got, c.want) > 12 {
				t.Errorf("colour %v in the middle, want about %v", got, c.want)
			}
		})
	}
}

// distance is the largest difference of any channel, of 255.
func distance(a, b color.Color) int {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	apart := func(x, y uint32) int { return max(int(x)-int(y), int(y)-int(x)) >> 8 }
	return max(apart(r1, r2), apart(g1, g2), apart(b1, b2))
}

func TestThumbnailIsMadeOnce(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	thumbs := report.NewThumbnails(bucket)
	first := putPNG(t, bucket, "night", "a.png", painting(1, 400, 300, false))
	for range 2 {
		if err := thumbs.Make(t.Context(), "night", first); err != nil {
			t.Fatal(err)
		}
	}
	if got := bucket.Puts.Load(); got != 1 {
		t.Errorf("%d thumbnails written, want 1", got)
	}
	second := putPNG(t, bucket, "night", "a.png", painting(2, 400, 300, false))
	if err := thumbs.Make(t.Context(), "night", second); err != nil {
		t.Fatal(err)
	}
	if got := bucket.Puts.Load(); got != 2 {
		t.Errorf("%d thumbnails written after the image was replaced, want 2", got)
	}
	if bucket.Text(t, thumbKey(first)) == bucket.Text(t, thumbKey(second)) {
		t.Error("the new image has the old thumbnail")
	}
}

func TestThumbnailsOfBadImages(t *testing.T) {
	t.Parallel()
	whole := encodePNG(t, painting(3, 300, 300, false))
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 0x40
	photo := encodeJPEG(t, painting(3, 300, 300, false))
	cases := map[string]struct {
		data []byte
		want string
	}{
		"flipped bit":     {flipped, "decode it"},
		"cut png":         {whole[:len(whole)*2/3], "decode it"},
		"cut jpeg":        {photo[:len(photo)/2], "decode it"},
		"cut head":        {whole[:20], "read its size"},
		"no image":        {[]byte("<html>Service unavailable</html>"), "read its size"},
		"empty":           {nil, "read its size"},
		"too many pixels": {hugeHead(t), "million pixels"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := batchtest.NewFolder(t)
			stored := putImage(t, bucket, "night", "art/a.png", "png", c.data, image.Point{})
			err := report.NewThumbnails(bucket).Make(t.Context(), "night", stored)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "night/art/a.png") {
				t.Errorf("got %v, want an error that names the image and says %q", err, c.want)
			}
			if bucket.Puts.Load() != 0 {
				t.Error("something was written")
			}
		})
	}
}

// hugeHead is a good PNG whose head promises more pixels than anyone can hold.
func hugeHead(t testing.TB) []byte {
	t.Helper()
	data := encodePNG(t, painting(4, 8, 8, false))
	binary.BigEndian.PutUint32(data[16:], 60000)
	binary.BigEndian.PutUint32(data[20:], 60000)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func TestThumbnailOfOtherBytesIsRefused(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	recorded := putPNG(t, bucket, "night", "a.png", painting(1, 400, 300, false))
	putPNG(t, bucket, "night", "a.png", painting(2, 400, 300, false))
	if err := report.NewThumbnails(bucket).Make(t.Context(), "night", recorded); err == nil {
		t.Error("another image got the thumbnail of the one that was recorded")
	}
	if _, err := os.Stat(bucket.Path(thumbKey(recorded))); err == nil {
		t.Error("a thumbnail was written")
	}
}

// A small image is shown itself, so that neither time nor room goes to a copy of it.
func TestSmallImagesNeedNoThumbnail(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	thumbs := report.NewThumbnails(bucket)
	for name, side := range map[string]int{"fits.png": 320, "does not.png": 321} {
		stored := putPNG(t, bucket, "night", name, filled(image.NewGray(image.Rect(0, 0, side, 10)), color.White))
		if err := thumbs.Make(t.Context(), "night", stored); err != nil {
			t.Fatal(err)
		}
	}
	if got := bucket.Puts.Load(); got != 1 {
		t.Errorf("%d thumbnails were made, want that of the larger image alone", got)
	}
}

func TestThumbnailNeedsAChecksum(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	stored := putPNG(t, bucket, "night", "a.png", painting(1, 400, 300, false))
	stored.CRC32 = "../../x"
	if err := report.NewThumbnails(bucket).Make(t.Context(), "night", stored); err == nil {
		t.Error("a thumbnail was named by something that is no checksum")
	}
}

func BenchmarkThumbnail(b *testing.B) {
	bucket := batchtest.NewFolder(b)
	stored := putPNG(b, bucket, "night", "a.png", painting(1, 1024, 1024, false))
	thumbs := report.NewThumbnails(bucket)
	for b.Loop() {
		if err := os.RemoveAll(bucket.Path("night/_nightshift")); err != nil {
			b.Fatal(err)
		}
		if err := thumbs.Make(b.Context(), "night", stored); err != nil {
			b.Fatal(err)
		}
	}
}
