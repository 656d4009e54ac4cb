package image_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"

	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

func FuzzGuard(f *testing.F) {
	for _, file := range [][]byte{
		buckettest.PNG(3, 3, 1), buckettest.FlatPNG(5, 5), buckettest.WithChunk(buckettest.PNG(2, 2, 1), "tEXt", []byte("x")),
		buckettest.JPEG(8, 8, 1), buckettest.ProgressiveJPEG(), buckettest.WithSegment(buckettest.JPEG(8, 8, 1), 0xe1, []byte("Exif")),
		buckettest.WebP(3, 3, 1), buckettest.ExtendedWebP(3, 3, 1), buckettest.LossyWebP(2, 2, 1),
		[]byte("<html>"), nil,
	} {
		f.Add(file, uint16(7))
	}
	f.Fuzz(func(t *testing.T, file []byte, step uint16) {
		length := int64(len(file))
		info, err := guardInSteps(t, file, length, int(step))
		if err != nil {
			return
		}
		if info.Width <= 0 || info.Height <= 0 || info.Bytes != length || info.CRC32 != crc32.ChecksumIEEE(file) {
			t.Errorf("accepted with %+v", info)
		}
		if info.Format == image.PNG && !chunksAreGood(file) {
			t.Error("accepted a PNG whose chunks are not good")
		}
		for cut := range min(len(file), 200) {
			if _, err := guardInSteps(t, file[:len(file)-1-cut], length, int(step)); err == nil {
				t.Fatalf("accepted without the last %d bytes", cut+1)
			}
		}
	})
}

// guardInSteps reads through a guard with a buffer of the given size, and checks
// that a bad image never comes out whole and a good one unchanged.
func guardInSteps(t *testing.T, file []byte, length int64, step int) (image.Info, error) {
	guard := image.NewGuard(bytes.NewReader(file), length, image.Limits{})
	var out bytes.Buffer
	buffer := make([]byte, step+1)
	var err error
	for err == nil {
		var n int
		n, err = guard.Read(buffer)
		out.Write(buffer[:n])
	}
	if errors.Is(err, io.EOF) {
		if !bytes.Equal(out.Bytes(), file) {
			t.Fatalf("%d bytes went in, %d other ones came out", len(file), out.Len())
		}
		return guard.Info(), nil
	}
	if _, bad := errors.AsType[*job.BadImageError](err); !bad {
		t.Fatalf("refused with %v", err)
	}
	if out.Len() > max(len(file)-16, 0) || !bytes.HasPrefix(file, out.Bytes()) {
		t.Fatalf("refused, but %d of %d bytes came out", out.Len(), len(file))
	}
	return image.Info{}, err
}

// chunksAreGood is another, plain reading of a PNG in memory.
func chunksAreGood(file []byte) bool {
	rest, kind := file[8:], ""
	for kind != "IEND" {
		if len(rest) < 12 {
			return false
		}
		length := int(binary.BigEndian.Uint32(rest))
		if length > len(rest)-12 || crc32.ChecksumIEEE(rest[4:8+length]) != binary.BigEndian.Uint32(rest[8+length:]) {
			return false
		}
		kind, rest = string(rest[4:8]), rest[12+length:]
	}
	return len(rest) == 0
}
