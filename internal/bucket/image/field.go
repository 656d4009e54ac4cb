package image

// field gathers the few bytes of a header that may arrive in pieces.
type field struct {
	bytes [16]byte
	have  int
}

// gather takes bytes from p until it holds n of them and hands those to use. It
// returns what it left of p. The bytes handed over are good until the next call.
func (f *field) gather(p []byte, n int, use func([]byte) error) ([]byte, error) {
	took := copy(f.bytes[f.have:n], p)
	f.have += took
	if f.have < n {
		return p[took:], nil
	}
	f.have = 0
	return p[took:], use(f.bytes[:n])
}
