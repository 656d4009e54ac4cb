package image_test

import (
	"bytes"
	"io"
	"testing"

	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
)

// BenchmarkGuard compares reading through a guard with reading alone, in pieces
// of 32 KiB as an HTTP body comes.
func BenchmarkGuard(b *testing.B) {
	files := []struct {
		name string
		file []byte
	}{
		{"png", buckettest.PNG(1024, 512, 1)},
		{"jpeg", buckettest.JPEG(1600, 1600, 1)},
		{"webp", buckettest.LossyWebP(700, 700, 1)},
	}
	for _, test := range files {
		b.Run(test.name+"/plain", func(b *testing.B) {
			readAll(b, test.file, func(r io.Reader) io.Reader { return r })
		})
		b.Run(test.name+"/guarded", func(b *testing.B) {
			readAll(b, test.file, func(r io.Reader) io.Reader {
				return image.NewGuard(r, int64(len(test.file)), image.Limits{})
			})
		})
	}
}

func readAll(b *testing.B, file []byte, wrap func(io.Reader) io.Reader) {
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	buffer := make([]byte, 32<<10)
	for b.Loop() {
		// Without WriteTo, so that the plain reading copies as well.
		body := wrap(struct{ io.Reader }{bytes.NewReader(file)})
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, body, buffer); err != nil {
			b.Fatal(err)
		}
	}
}
