package simulator

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // formats that uploads may have
	_ "image/jpeg"
	_ "image/png"
	"strings"

	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	"nightshift/internal/simulator/picture"
)

// content is a file that was sent, read.
type content struct {
	data          []byte
	sum           string // SHA-256 in hexadecimal
	format        picture.Format
	width, height int
}

// maxPixels is the most that an image may have: a small file can stand for one that no
// machine holds.
const maxPixels = 50_000_000

// describe is what can be said of any file.
func describe(data []byte) *content {
	sum := sha256.Sum256(data)
	return &content{data: data, sum: hex.EncodeToString(sum[:])}
}

// readImage reads a whole image, or says in words of the simulator's own why it is none.
// The real API takes SVG, AVIF and HEIF, too.
func readImage(data []byte) (*content, error) {
	read := describe(data)
	return read, read.readPixels()
}

// readPixels fills in what can be said of an image alone.
func (c *content) readPixels() error {
	config, format, err := image.DecodeConfig(bytes.NewReader(c.data))
	if err != nil {
		return errors.New("the file is not an image of a supported format (jpeg, png, gif, webp, tiff)")
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxPixels/config.Height {
		return fmt.Errorf("the image exceeds the limit of %d pixels", maxPixels)
	}
	if _, _, err := image.Decode(bytes.NewReader(c.data)); err != nil {
		return errors.New("the image is damaged and cannot be read")
	}
	c.format, c.width, c.height = picture.Format(format), config.Width, config.Height
	return nil
}

// decodeImageText reads base64, plain or in a data URL.
func decodeImageText(text string) ([]byte, error) {
	if isDataURL(text) {
		head, body, found := strings.Cut(text, ",")
		if !found || !strings.HasSuffix(head, ";base64") {
			return nil, errors.New("the data URL is not in base64")
		}
		text = body
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) == 0 {
		return nil, errors.New("the image is not in base64")
	}
	return data, nil
}

func isDataURL(text string) bool { return strings.HasPrefix(text, "data:") }
