package image

import "strings"

// Format is what the bytes of an image are, whatever they are called.
type Format string

// The formats that are stored.
const (
	PNG  Format = "png"
	JPEG Format = "jpeg"
	WebP Format = "webp"
)

// formats are what is known of each format that is stored.
var formats = []struct {
	format     Format
	title      string            // as people write it
	extensions []string          // that promise the format; the usual one first
	is         func([]byte) bool // whether so many first bytes as sniffBytes are of it
	checker    func() checker    // of its structure
}{
	{PNG, "PNG", []string{"png"}, isPNG, func() checker { return &pngChecker{} }},
	{JPEG, "JPEG", []string{"jpg", "jpeg", "jpe", "jfif"}, isJPEG, func() checker { return &jpegChecker{} }},
	{WebP, "WebP", []string{"webp"}, isWebP, func() checker { return &webpChecker{} }},
}

// otherExtensions promise a format that is not stored.
var otherExtensions = []string{"gif", "bmp", "tif", "tiff", "avif", "heic", "jxl"}

// checker follows the structure of one format. It sees every byte once, in pieces
// of any size.
type checker interface {
	write(p []byte) error
	// end says what is missing when no bytes follow the total number given.
	end(total int64) error
	// size is the image's geometry, 0 x 0 while unknown.
	size() (width, height int)
}

func newChecker(format Format) checker {
	for i := range formats {
		if formats[i].format == format {
			return formats[i].checker()
		}
	}
	panic("image: no checker for " + string(format))
}

// Extension is the usual file extension of the format, without the point.
func (f Format) Extension() string {
	for i := range formats {
		if formats[i].format == f {
			return formats[i].extensions[0]
		}
	}
	return string(f)
}

// ContentType is what browsers are told of an image of the format.
func (f Format) ContentType() string { return "image/" + string(f) }

func (f Format) title() string {
	for i := range formats {
		if formats[i].format == f {
			return formats[i].title
		}
	}
	return strings.ToUpper(string(f))
}

// titles are the formats in a sentence: "PNG, JPEG or WebP".
func titles() string {
	all := make([]string, len(formats))
	for i := range formats {
		all[i] = formats[i].title
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}
