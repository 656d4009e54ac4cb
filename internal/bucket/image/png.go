package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

func isPNG(head []byte) bool { return bytes.HasPrefix(head, []byte(pngSignature)) }

// pngChecker walks the chunks of a PNG and compares the checksum of each, which
// covers every byte of the file but the signature and the lengths. Bytes after
// the end chunk are refused: no checksum covers them.
type pngChecker struct {
	state         pngState
	field         field
	left          int64 // bytes of the chunk's data still to come
	kind          [4]byte
	sum           uint32
	width, height int
	hasData       bool
}

type pngState int

const (
	pngSignaturePart pngState = iota
	pngChunkHead              // length and kind
	pngGeometry               // the data of IHDR
	pngChunkData
	pngChunkSum
	pngEnd
)

const (
	pngMaxChunk   = 1<<31 - 1
	pngHeaderSize = 13
)

func (c *pngChecker) size() (width, height int) { return c.width, c.height }

func (c *pngChecker) write(p []byte) error {
	var err error
	for len(p) > 0 && err == nil {
		p, err = c.step(p)
	}
	return err
}

// step takes what its state needs from p and returns the rest.
func (c *pngChecker) step(p []byte) ([]byte, error) {
	switch c.state {
	case pngSignaturePart:
		return c.field.gather(p, len(pngSignature), c.signature)
	case pngChunkHead:
		return c.field.gather(p, 8, c.chunkHead)
	case pngGeometry:
		return c.field.gather(p, pngHeaderSize, c.geometry)
	case pngChunkData:
		return c.data(p), nil
	case pngChunkSum:
		return c.field.gather(p, 4, c.chunkSum)
	default:
		return nil, errors.New("bytes follow the end of the PNG")
	}
}

func (c *pngChecker) signature(p []byte) error {
	if string(p) != pngSignature {
		return errors.New("the PNG signature is damaged")
	}
	c.state = pngChunkHead
	return nil
}

func (c *pngChecker) chunkHead(p []byte) error {
	first := c.kind == [4]byte{}
	c.left = int64(binary.BigEndian.Uint32(p))
	copy(c.kind[:], p[4:])
	c.sum = crc32.ChecksumIEEE(c.kind[:])
	switch {
	case c.left > pngMaxChunk:
		return fmt.Errorf("PNG chunk %q has an impossible length", c.kind[:])
	case first != c.is("IHDR"):
		return fmt.Errorf("PNG chunk %q is out of place", c.kind[:])
	case first && c.left != pngHeaderSize:
		return errors.New("the PNG header has a wrong length")
	case c.is("IEND") && c.left != 0:
		return errors.New("the PNG end chunk is not empty")
	case c.is("IEND") && !c.hasData:
		return errors.New("the PNG holds no image data")
	}
	c.hasData = c.hasData || c.is("IDAT") && c.left > 0
	c.state = c.afterHead(first)
	return nil
}

// is reports whether the chunk is of this kind.
func (c *pngChecker) is(kind string) bool { return string(c.kind[:]) == kind }

func (c *pngChecker) afterHead(first bool) pngState {
	switch {
	case first:
		return pngGeometry
	case c.left == 0:
		return pngChunkSum
	default:
		return pngChunkData
	}
}

// geometry reads the header chunk, whose checksum follows like any other.
func (c *pngChecker) geometry(p []byte) error {
	c.sum = crc32.Update(c.sum, crc32.IEEETable, p)
	width, height := binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])
	if width == 0 || height == 0 || width > pngMaxChunk || height > pngMaxChunk {
		return fmt.Errorf("a PNG cannot have %d x %d pixels", width, height)
	}
	c.width, c.height = int(width), int(height)
	c.state = pngChunkSum
	return nil
}

func (c *pngChecker) data(p []byte) []byte {
	n := min(int64(len(p)), c.left)
	c.sum = crc32.Update(c.sum, crc32.IEEETable, p[:n])
	c.left -= n
	if c.left == 0 {
		c.state = pngChunkSum
	}
	return p[n:]
}

func (c *pngChecker) chunkSum(p []byte) error {
	if binary.BigEndian.Uint32(p) != c.sum {
		return fmt.Errorf("the checksum of PNG chunk %q is wrong", c.kind[:])
	}
	c.state = pngChunkHead
	if c.is("IEND") {
		c.state = pngEnd
	}
	return nil
}

func (c *pngChecker) end(int64) error {
	if c.state != pngEnd {
		return errors.New("the PNG ends before its end chunk")
	}
	return nil
}
