package picture

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"io"
	"sync"
)

// encodePNG writes an opaque image in 24 bits. It is several times as fast as
// image/png, because it does not look for the best filter of each row and packs
// with Huffman codes alone.
func encodePNG(w io.Writer, img *image.RGBA) error {
	size := img.Bounds().Size()
	header := binary.BigEndian.AppendUint32(nil, uint32(size.X))
	header = binary.BigEndian.AppendUint32(header, uint32(size.Y))
	header = append(header, 8, 2, 0, 0, 0) // eight bits, RGB, no interlacing
	data, err := packRows(img)
	if err != nil {
		return err
	}
	file := appendChunk([]byte("\x89PNG\r\n\x1a\n"), "IHDR", header)
	file = appendChunk(file, "IDAT", data)
	_, err = w.Write(appendChunk(file, "IEND", nil))
	return err
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

func packRows(img *image.RGBA) ([]byte, error) {
	size := img.Bounds().Size()
	var packed bytes.Buffer
	packed.Grow(size.X * size.Y)
	packer := packers.Get().(*zlib.Writer)
	defer packers.Put(packer)
	packer.Reset(&packed)
	row := make([]byte, 1+3*size.X)
	row[0] = filterSub
	for y := range size.Y {
		var r, g, b byte
		from := img.Pix[y*img.Stride:]
		for x := range size.X {
			p := from[x*4 : x*4+3 : x*4+3]
			to := row[1+x*3 : 4+x*3 : 4+x*3]
			to[0], to[1], to[2] = p[0]-r, p[1]-g, p[2]-b
			r, g, b = p[0], p[1], p[2]
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
