package picture

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/draw"
	"io"
	"sync"
)

// The kinds of pixels of a PNG, by how many bytes they have.
var colorTypes = map[int]byte{3: 2, 4: 6} // RGB, and with transparency

// encodePNG writes an image in 24 bits if it is opaque, otherwise in 32. It is several
// times as fast as image/png, because it does not look for the best filter of each row and
// packs with Huffman codes alone.
func encodePNG(w io.Writer, img image.Image) error {
	pixels, size, depth := pixelsOf(img)
	header := binary.BigEndian.AppendUint32(nil, uint32(size.X))
	header = binary.BigEndian.AppendUint32(header, uint32(size.Y))
	header = append(header, 8, colorTypes[depth], 0, 0, 0) // eight bits, no interlacing
	data, err := packRows(pixels, size, depth)
	if err != nil {
		return err
	}
	file := appendChunk([]byte("\x89PNG\r\n\x1a\n"), "IHDR", header)
	file = appendChunk(file, "IDAT", data)
	_, err = w.Write(appendChunk(file, "IEND", nil))
	return err
}

// pixelsOf are the pixels in rows without gaps, four bytes each, of which depth matter.
func pixelsOf(img image.Image) (pixels []byte, size image.Point, depth int) {
	size = img.Bounds().Size()
	whole := func(stride int, at image.Point) bool { return stride == 4*size.X && at == image.Point{} }
	switch img := img.(type) {
	case *image.RGBA:
		if whole(img.Stride, img.Rect.Min) && img.Opaque() {
			return img.Pix, size, 3
		}
	case *image.NRGBA:
		if whole(img.Stride, img.Rect.Min) {
			return img.Pix, size, 4
		}
	}
	plain := image.NewNRGBA(image.Rectangle{Max: size})
	draw.Draw(plain, plain.Rect, img, img.Bounds().Min, draw.Src)
	return plain.Pix, size, 4
}

// filterSub stores each byte as the difference from the pixel to its left.
const filterSub = 1

// packers are kept, because each is most of a megabyte.
var packers = sync.Pool{New: func() any {
	packer, err := zlib.NewWriterLevel(nil, flate.HuffmanOnly)
	if err != nil {
		panic("picture: " + err.Error()) // the level is a known one
	}
	return packer
}}

func packRows(pixels []byte, size image.Point, depth int) ([]byte, error) {
	var packed bytes.Buffer
	packed.Grow(size.X * size.Y)
	packer := packers.Get().(*zlib.Writer)
	defer packers.Put(packer)
	packer.Reset(&packed)
	row := make([]byte, 1+depth*size.X)
	row[0] = filterSub
	for y := range size.Y {
		var left [4]byte
		from := pixels[4*y*size.X:]
		for x := range size.X {
			p := from[x*4 : x*4+4 : x*4+4]
			to := row[1+x*depth : 1+(x+1)*depth]
			for channel := range to {
				to[channel] = p[channel] - left[channel]
				left[channel] = p[channel]
			}
		}
		if _, err := packer.Write(row); err != nil {
			return nil, err
		}
	}
	if err := packer.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// appendChunk appends a part of a PNG file: length, name, data, check sum.
func appendChunk(file []byte, name string, data []byte) []byte {
	file = binary.BigEndian.AppendUint32(file, uint32(len(data)))
	start := len(file)
	file = append(append(file, name...), data...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(file[start:]))
}
