package buckettest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"

	"github.com/HugoSmits86/nativewebp"
)

// Noise draws a picture that hardly compresses, the same for the same seed.
func Noise(width, height int, seed uint64) image.Image {
	random := rand.New(rand.NewPCG(seed, seed))
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for at := 0; at < len(picture.Pix); at += 4 {
		binary.LittleEndian.PutUint32(picture.Pix[at:], random.Uint32()|0xff000000)
	}
	return picture
}

// PNG returns a PNG of noise.
func PNG(width, height int, seed uint64) []byte {
	var file bytes.Buffer
	must(png.Encode(&file, Noise(width, height, seed)))
	return file.Bytes()
}

// JPEG returns a baseline JPEG of noise.
func JPEG(width, height int, seed uint64) []byte {
	var file bytes.Buffer
	must(jpeg.Encode(&file, Noise(width, height, seed), &jpeg.Options{Quality: 90}))
	return file.Bytes()
}

// WebP returns a lossless WebP of noise.
func WebP(width, height int, seed uint64) []byte {
	var file bytes.Buffer
	must(nativewebp.Encode(&file, Noise(width, height, seed), nil))
	return file.Bytes()
}

// ExtendedWebP returns a lossless WebP in the container with an extended head and
// a last chunk of odd length.
func ExtendedWebP(width, height int, seed uint64) []byte {
	const head = 12
	canvas := make([]byte, 10)
	binary.LittleEndian.PutUint32(canvas[4:], uint32(width-1))
	binary.LittleEndian.PutUint32(canvas[6:], uint32(height-1)<<8|uint32(canvas[6]))
	return riff(
		webpChunk("VP8X", canvas),
		WebP(width, height, seed)[head:],
		webpChunk("XMP ", []byte("<x:xmpmeta/>.")),
	)
}

// LossyWebP returns the container of a lossy WebP; its compressed data is noise.
func LossyWebP(width, height int, seed uint64) []byte {
	data := []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a}
	data = binary.LittleEndian.AppendUint16(data, uint16(width))
	data = binary.LittleEndian.AppendUint16(data, uint16(height))
	return riff(webpChunk("VP8 ", append(data, Noise(width, height, seed).(*image.NRGBA).Pix...)))
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func webpChunk(kind string, data []byte) []byte {
	chunk := append(binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data))), data...)
	return append(chunk, make([]byte, len(data)%2)...)
}

// FlatPNG returns a PNG of one colour, which is very small.
func FlatPNG(width, height int) []byte {
	var file bytes.Buffer
	picture := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White})
	must((&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&file, picture))
	return file.Bytes()
}

// WithChunk returns a PNG with one more chunk behind its header.
func WithChunk(file []byte, kind string, data []byte) []byte {
	const afterHeader = 33
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(append(chunk, kind...), data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return bytes.Join([][]byte{file[:afterHeader], chunk, file[afterHeader:]}, nil)
}

// WithSegment returns a JPEG with one more segment behind its start, such as an
// APPn with a colour profile (marker 0xe2). data has at most 65533 bytes.
func WithSegment(file []byte, marker byte, data []byte) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(data)+2))
	return bytes.Join([][]byte{file[:2], segment, data, file[2:]}, nil)
}

// ProgressiveJPEG returns a grey JPEG of 32 x 32 pixels in two scans, one for the
// means of the blocks and one for their details.
func ProgressiveJPEG() []byte {
	ones := bytes.Repeat([]byte{1}, 64)
	// One code of one bit, for "no difference" and for "end of block".
	table := func(class byte) []byte { return append(append([]byte{class, 1}, make([]byte, 15)...), 0) }
	segments := []struct {
		marker byte
		data   []byte
		scan   []byte
	}{
		{marker: 0xdb, data: append([]byte{0}, ones...)},
		{marker: 0xc2, data: []byte{8, 0, 32, 0, 32, 1, 1, 0x11, 0}},
		{marker: 0xc4, data: table(0x00)},
		{marker: 0xc4, data: table(0x10)},
		{marker: 0xda, data: []byte{1, 1, 0, 0, 0, 0}, scan: []byte{0, 0}},
		{marker: 0xda, data: []byte{1, 1, 0, 1, 63, 0}, scan: []byte{0, 0}},
	}
	file := []byte{0xff, 0xd8}
	for _, s := range segments {
		file = binary.BigEndian.AppendUint16(append(file, 0xff, s.marker), uint16(len(s.data)+2))
		file = append(append(file, s.data...), s.scan...)
	}
	return append(file, 0xff, 0xd9)
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("buckettest: draw a test image: %v", err))
	}
}
