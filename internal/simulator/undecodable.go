package simulator

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"nightshift/internal/simulator/picture"
)

// undecodable returns a copy as long as the image, whole in its structure, whose pixels
// no decoder can read: in place of the compressed data stands what cannot be such.
func undecodable(data []byte, format picture.Format) []byte {
	damaged := bytes.Clone(data)
	switch format {
	case picture.JPEG:
		spoilScan(damaged)
	case picture.WebP:
		const payload = 20 + 5 // behind the header of the file, of the chunk, and the geometry
		fill(damaged[payload:], 0xff)
	default:
		spoilChunks(damaged)
	}
	return damaged
}

func fill(data []byte, value byte) {
	for i := range data {
		data[i] = value
	}
}

// spoilScan puts ones alone, which are no Huffman code, between the header of the scan and
// the marker at the end. A byte of ones is followed by a zero, or it would be a marker.
func spoilScan(jpeg []byte) {
	at := 2
	for jpeg[at+1] != 0xda { // start of scan
		at += 2 + int(binary.BigEndian.Uint16(jpeg[at+2:]))
	}
	at += 2 + int(binary.BigEndian.Uint16(jpeg[at+2:]))
	for ; at+1 < len(jpeg)-2; at += 2 {
		jpeg[at], jpeg[at+1] = 0xff, 0
	}
}

// spoilChunks puts an impossible kind of deflate block into the image data of a PNG, with
// checksums that are right.
func spoilChunks(png []byte) {
	const signature, around = 8, 12 // a chunk is its length, type, data and checksum
	for at := signature; at+around <= len(png); {
		end := at + 8 + int(binary.BigEndian.Uint32(png[at:]))
		if string(png[at+4:at+8]) == "IDAT" {
			fill(png[min(at+8+2, end):end], 0xff) // behind the two bytes of zlib's header
			binary.BigEndian.PutUint32(png[end:], crc32.ChecksumIEEE(png[at+4:end]))
		}
		at = end + 4
	}
}
