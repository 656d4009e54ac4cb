package image

import (
	"encoding/binary"
	"errors"
	"fmt"
)

func isWebP(head []byte) bool {
	return len(head) >= webpHeadSize && string(head[:4]) == "RIFF" && string(head[8:webpHeadSize]) == "WEBP"
}

// webpChecker walks the chunks of a WebP. The length in its first bytes must be
// that of the file, and the chunks must add up to it.
type webpChecker struct {
	state         webpState
	field         field
	declared      int64 // bytes of the whole file by its head
	seen          int64
	left          int64 // bytes of the chunk still to come, padding included
	padded        bool  // the chunk's last byte is padding
	kind          string
	chunks        int
	width, height int
	hasImage      bool
}

type webpState int

const (
	webpHead      webpState = iota // RIFF, length, WEBP
	webpChunkHead                  // kind and length
	webpGeometry                   // the head of the first chunk's data
	webpChunkData
)

const webpHeadSize = 12

// webpGeometrySize is how much of the first chunk tells the geometry.
//
//nolint:gocritic // the space belongs to the chunk's name
var webpGeometrySize = map[string]int{"VP8 ": 10, "VP8L": 5, "VP8X": 10}

func (c *webpChecker) size() (width, height int) { return c.width, c.height }

func (c *webpChecker) write(p []byte) error {
	c.seen += int64(len(p))
	var err error
	for len(p) > 0 && err == nil {
		p, err = c.step(p)
	}
	if err == nil && c.declared > 0 && c.seen > c.declared {
		return fmt.Errorf("the WebP is longer than the %d bytes its head says", c.declared)
	}
	return err
}

// step takes what its state needs from p and returns the rest.
func (c *webpChecker) step(p []byte) ([]byte, error) {
	switch c.state {
	case webpHead:
		return c.field.gather(p, webpHeadSize, c.head)
	case webpChunkHead:
		return c.field.gather(p, 8, c.chunkHead)
	case webpGeometry:
		return c.field.gather(p, webpGeometrySize[c.kind], c.geometry)
	default:
		return c.data(p), nil
	}
}

func (c *webpChecker) head(p []byte) error {
	if string(p[:4]) != "RIFF" || string(p[8:]) != "WEBP" {
		return errors.New("the head of the WebP is damaged")
	}
	c.declared = int64(binary.LittleEndian.Uint32(p[4:])) + 8
	c.state = webpChunkHead
	return nil
}

func (c *webpChecker) chunkHead(p []byte) error {
	length := int64(binary.LittleEndian.Uint32(p[4:]))
	c.kind, c.left, c.padded = string(p[:4]), length+length%2, length%2 == 1
	c.chunks++
	switch c.kind {
	case "VP8 ", "VP8L", "ANMF":
		c.hasImage = true
	}
	if c.chunks > 1 {
		c.state = webpChunkData
		return nil
	}
	need, known := webpGeometrySize[c.kind]
	if !known || length < int64(need) {
		return fmt.Errorf("a WebP cannot begin with a chunk %q of %d bytes", c.kind, length)
	}
	c.state = webpGeometry
	return nil
}

func (c *webpChecker) geometry(p []byte) error {
	switch c.kind {
	case "VP8 ":
		if string(p[3:6]) != "\x9d\x01\x2a" {
			return errors.New("the first frame of the WebP is damaged")
		}
		c.width = int(binary.LittleEndian.Uint16(p[6:]) & 0x3fff)
		c.height = int(binary.LittleEndian.Uint16(p[8:]) & 0x3fff)
	case "VP8L":
		if p[0] != 0x2f {
			return errors.New("the lossless data of the WebP is damaged")
		}
		bits := binary.LittleEndian.Uint32(p[1:])
		c.width, c.height = int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1
	case "VP8X":
		c.width, c.height = int(uint24(p[4:]))+1, int(uint24(p[7:]))+1
	}
	if c.width == 0 || c.height == 0 {
		return fmt.Errorf("a WebP cannot have %d x %d pixels", c.width, c.height)
	}
	c.left -= int64(len(p))
	c.state = webpChunkData
	return nil
}

func uint24(p []byte) uint32 { return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 }

func (c *webpChecker) data(p []byte) []byte {
	n := min(int64(len(p)), c.left)
	c.left -= n
	if c.left == 0 {
		c.state = webpChunkHead
	}
	return p[n:]
}

// end accepts a last chunk of odd length without its padding, which some encoders
// leave out, as long as the length in the head agrees.
func (c *webpChecker) end(total int64) error {
	between := c.state == webpChunkHead && c.field.have == 0 || c.state == webpChunkData && c.left == 0
	unpadded := c.state == webpChunkData && c.left == 1 && c.padded
	switch {
	case c.state == webpHead || total != c.declared:
		return fmt.Errorf("the WebP has %d of the %d bytes its head says", total, c.declared)
	case !between && !unpadded:
		return errors.New("the chunks of the WebP do not add up to its length")
	case !c.hasImage:
		return errors.New("the WebP holds no image data")
	}
	return nil
}
