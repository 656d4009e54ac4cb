package picture

import (
	"fmt"
	"image"
	"image/jpeg"
	"io"

	"github.com/HugoSmits86/nativewebp"
)

// Format is a file format of images.
type Format string

// The formats that images are drawn in.
const (
	PNG  Format = "png"
	JPEG Format = "jpeg"
	WebP Format = "webp" // lossless
)

// Known reports whether f is one of the formats.
func (f Format) Known() bool { return f == PNG || f == JPEG || f == WebP }

// MIME returns the media type of the format.
func (f Format) MIME() string { return "image/" + string(f) }

// jpegQuality leaves edges crisp.
const jpegQuality = 90

// Encode writes an image in a format. It fails where w does, or for a format that
// is not known.
func Encode(w io.Writer, img image.Image, format Format) error {
	switch format {
	case PNG:
		return encodePNG(w, img)
	case JPEG:
		return jpeg.Encode(w, img, &jpeg.Options{Quality: jpegQuality})
	case WebP:
		return nativewebp.Encode(w, img, nil)
	default:
		return fmt.Errorf("encode image: format %q is not known", format)
	}
}
