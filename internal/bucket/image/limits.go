package image

// Limits bound what is taken for an image. The zero value means the defaults.
// There is no least size: a flat image of one colour is legally tiny, and what is
// cut off is found by its structure.
type Limits struct {
	MaxBytes  int64 // default DefaultMaxBytes
	MaxPixels int64 // width times height; default DefaultMaxPixels
}

// The default limits.
const (
	DefaultMaxBytes  int64 = 64 << 20
	DefaultMaxPixels int64 = 1 << 28 // 16384 x 16384
)

func (l Limits) withDefaults() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.MaxPixels <= 0 {
		l.MaxPixels = DefaultMaxPixels
	}
	return l
}

// Info is what a guard found out about an image.
type Info struct {
	Format        Format
	Width, Height int // pixels
	Bytes         int64
	CRC32         uint32 // IEEE, over all bytes
}
