package bucket

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
	switch format {
	case PNG:
		return &pngChecker{}
	case JPEG:
		return &jpegChecker{}
	default:
		return &webpChecker{}
	}
}
