package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

func isJPEG(head []byte) bool { return bytes.HasPrefix(head, []byte("\xff\xd8\xff")) }

// jpegChecker walks the segments of a JPEG from its start to its end marker. A
// JPEG has no checksums: damage within the compressed data goes unseen, missing
// parts do not. Bytes after the end marker are legal, files with several pictures
// have them.
type jpegChecker struct {
	state         jpegState
	field         field
	marker        byte
	left          int // bytes of the segment still to come
	width, height int
	hasScan       bool
}

type jpegState int

const (
	jpegStart      jpegState = iota
	jpegMarker               // the 0xff before a marker
	jpegMarkerKind           // the byte that names it; 0xff may be repeated before it
	jpegLength
	jpegFrame // the head of a frame segment, with the geometry
	jpegSegment
	jpegScan     // compressed data up to the next 0xff
	jpegScanMark // the byte after a 0xff in compressed data
	jpegEnd
)

// The markers that matter here.
const (
	jpegEOI       = 0xd9
	jpegSOS       = 0xda
	jpegTEM       = 0x01
	jpegRST0      = 0xd0
	jpegSOI       = 0xd8
	jpegFrameHead = 6 // precision, height, width, components
)

func (c *jpegChecker) size() (width, height int) { return c.width, c.height }

func (c *jpegChecker) write(p []byte) error {
	var err error
	for len(p) > 0 && err == nil {
		p, err = c.step(p)
	}
	return err
}

// step takes what its state needs from p and returns the rest.
func (c *jpegChecker) step(p []byte) ([]byte, error) {
	switch c.state {
	case jpegStart:
		return c.field.gather(p, 2, c.start)
	case jpegMarker:
		if p[0] != 0xff {
			return nil, errors.New("a JPEG marker is missing")
		}
		c.state = jpegMarkerKind
		return p[1:], nil
	case jpegMarkerKind:
		return p[1:], c.markerKind(p[0])
	case jpegLength:
		return c.field.gather(p, 2, c.length)
	case jpegFrame:
		return c.field.gather(p, jpegFrameHead, c.frame)
	case jpegSegment:
		return c.segment(p), nil
	case jpegScan:
		return c.scan(p), nil
	case jpegScanMark:
		return p[1:], c.scanMark(p[0])
	default:
		return nil, nil
	}
}

func (c *jpegChecker) start(p []byte) error {
	if p[0] != 0xff || p[1] != jpegSOI {
		return errors.New("the JPEG start marker is damaged")
	}
	c.state = jpegMarker
	return nil
}

func (c *jpegChecker) markerKind(kind byte) error {
	switch {
	case kind == 0xff: // a fill byte
	case kind == jpegEOI:
		return c.finish()
	case kind == jpegTEM || kind >= jpegRST0 && kind < jpegSOI:
		c.state = jpegMarker
	case kind == 0 || kind == jpegSOI:
		return fmt.Errorf("JPEG marker %#02x is out of place", kind)
	case kind == jpegSOS && c.width == 0:
		return errors.New("the JPEG has image data before its size")
	default:
		c.marker, c.state = kind, jpegLength
	}
	return nil
}

func (c *jpegChecker) finish() error {
	if !c.hasScan {
		return errors.New("the JPEG holds no image data")
	}
	c.state = jpegEnd
	return nil
}

func (c *jpegChecker) length(p []byte) error {
	c.left = int(binary.BigEndian.Uint16(p)) - 2
	if c.left < 0 || isFrame(c.marker) && c.left < jpegFrameHead {
		return fmt.Errorf("the segment of JPEG marker %#02x is too short", c.marker)
	}
	c.state = jpegSegment
	if isFrame(c.marker) {
		c.state = jpegFrame
	}
	if c.left == 0 {
		c.afterSegment()
	}
	return nil
}

// isFrame reports whether a marker begins a frame: all of 0xc0 to 0xcf but the
// tables of Huffman and arithmetic coding and a reserved one.
func isFrame(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

func (c *jpegChecker) frame(p []byte) error {
	height, width := int(binary.BigEndian.Uint16(p[1:])), int(binary.BigEndian.Uint16(p[3:]))
	if width == 0 || height == 0 {
		return fmt.Errorf("a JPEG cannot have %d x %d pixels", width, height)
	}
	if c.width == 0 {
		c.width, c.height = width, height
	}
	c.left -= jpegFrameHead
	c.state = jpegSegment
	if c.left == 0 {
		c.afterSegment()
	}
	return nil
}

func (c *jpegChecker) segment(p []byte) []byte {
	n := min(len(p), c.left)
	c.left -= n
	if c.left == 0 {
		c.afterSegment()
	}
	return p[n:]
}

func (c *jpegChecker) afterSegment() {
	c.state = jpegMarker
	if c.marker == jpegSOS {
		c.state = jpegScan
	}
}

func (c *jpegChecker) scan(p []byte) []byte {
	at := bytes.IndexByte(p, 0xff)
	if at < 0 {
		c.hasScan = true
		return nil
	}
	c.hasScan = c.hasScan || at > 0
	c.state = jpegScanMark
	return p[at+1:]
}

// scanMark reads the byte after a 0xff in compressed data: an escaped 0xff, a
// restart, a fill byte, or the marker that ends the scan.
func (c *jpegChecker) scanMark(kind byte) error {
	switch {
	case kind == 0 || kind >= jpegRST0 && kind < jpegSOI:
		c.hasScan = true
		c.state = jpegScan
		return nil
	case kind == 0xff:
		return nil
	default:
		return c.markerKind(kind)
	}
}

func (c *jpegChecker) end(int64) error {
	if c.state != jpegEnd {
		return errors.New("the JPEG ends before its end marker")
	}
	return nil
}
