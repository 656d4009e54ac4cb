package nights

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path"
	"path/filepath"
	"sync"

	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// published are the images that were not whole when their names appeared, even if they were
// replaced later.
type published struct {
	mu     sync.Mutex
	broken []string
}

// look looks at an image that was just stored.
func (p *published) look(folder string, put image.Put, stored job.Image) error {
	at := filepath.Join(folder, filepath.FromSlash(path.Dir(put.Name)), path.Base(stored.Key))
	data, err := os.ReadFile(at)
	if err != nil || wholePNG(data) {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = append(p.broken, at)
	return nil
}

// judgePublished: no name ever leads to an image that is damaged or cut off.
func (n *drawnNight) judgePublished() {
	n.t.Helper()
	for _, at := range n.published.broken {
		n.fail("whole or absent", "", "%s was published and was not whole", at)
	}
}

// wholePNG reports whether data has the chunks of a PNG to the last, each with its checksum.
// Whether its pixels decode is another matter. Images of nights are of this format, or are
// said to be.
func wholePNG(data []byte) bool {
	const signature = "\x89PNG\r\n\x1a\n"
	rest, is := bytes.CutPrefix(data, []byte(signature))
	if !is {
		return true // of another format
	}
	for len(rest) >= 12 {
		length := int(binary.BigEndian.Uint32(rest))
		if length > len(rest)-12 {
			return false
		}
		kind, sum := string(rest[4:8]), binary.BigEndian.Uint32(rest[8+length:])
		if crc32.ChecksumIEEE(rest[4:8+length]) != sum {
			return false
		}
		if rest = rest[12+length:]; kind == "IEND" {
			return true
		}
	}
	return false
}
