package image

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"nightshift/internal/job"
)

// heldBack is how many bytes a guard keeps until everything is known to be good.
const heldBack = 16

// directRead is the least room in a caller's buffer that is read into directly.
const directRead = 4 * heldBack

// Guard passes an image on while it checks that it is one, whole and intact:
// the format by its first bytes, the geometry, the structure to the end (in a PNG
// every checksum), the length. It holds the last 16 bytes back until the body
// ended and every check was good, so that whoever receives a bad image never
// receives all of it. It needs the same small memory for any image.
//
// A bad image is a [job.BadImageError]; other errors of the body come back as
// they are. Once a guard answered with an error it keeps to it.
type Guard struct {
	body   io.Reader
	length int64 // as declared; -1 if unknown
	limits Limits

	sniffed    [512]byte // the first bytes, read ahead by Sniff
	sniffedLen int
	ahead      []byte // the rest of sniffed that was not read yet
	tail       [heldBack]byte
	tailLen    int
	small      [directRead]byte // serves callers with little room
	ready      []byte           // the rest of small that was not read yet

	format Format
	check  checker
	total  int64
	sum    uint32
	err    error // sticky; io.EOF when all was good
}

// NewGuard returns a guard over body. length is the declared number of bytes, or
// -1 where it is not known.
func NewGuard(body io.Reader, length int64, limits Limits) *Guard {
	return &Guard{body: body, length: length, limits: limits.withDefaults()}
}

// Sniff reads as far as the format needs and returns it; everything read is still
// given out by Read. The error is a [job.BadImageError] if the body is no image.
func (g *Guard) Sniff() (Format, error) {
	if g.format != "" {
		return g.format, nil
	}
	if g.err != nil {
		return "", g.err
	}
	if g.length > g.limits.MaxBytes {
		return "", g.bad(fmt.Errorf("%d bytes were announced, more than the limit of %d", g.length, g.limits.MaxBytes))
	}
	n, err := io.ReadAtLeast(g.body, g.sniffed[:], sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", g.broken(err)
	}
	g.sniffedLen, g.ahead = n, g.sniffed[:n]
	format, err := sniff(g.ahead)
	if err != nil {
		g.total = int64(n)
		return "", g.bad(err)
	}
	g.format, g.check = format, newChecker(format)
	return format, nil
}

// Geometry returns what the first bytes tell of the image's size before any of it
// was read. It reports false where that stands further behind, as in a JPEG with
// a long profile before its header.
func (g *Guard) Geometry() (width, height int, known bool) {
	if g.format == "" {
		return 0, 0, false
	}
	ahead := newChecker(g.format)
	if err := ahead.write(g.sniffed[:g.sniffedLen]); err != nil {
		return 0, 0, false // reading finds it too, and says what
	}
	width, height = ahead.size()
	return width, height, width > 0 && height > 0
}

// Trouble is why the image cannot be read to its end, nil where nothing is known
// to be wrong.
func (g *Guard) Trouble() error {
	if errors.Is(g.err, io.EOF) {
		return nil
	}
	return g.err
}

// MaxBytes is the most that the guard lets through.
func (g *Guard) MaxBytes() int64 { return g.limits.MaxBytes }

// Info returns what was found out. It is complete only after Read returned io.EOF.
func (g *Guard) Info() Info {
	info := Info{Format: g.format, Bytes: g.total, CRC32: g.sum}
	if g.check != nil {
		info.Width, info.Height = g.check.size()
	}
	return info
}

// Read gives out the image as far as it is checked; io.EOF means that all of it
// is good.
func (g *Guard) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(g.ready) == 0 && len(p) >= directRead {
		return g.advance(p)
	}
	if len(g.ready) == 0 {
		n, err := g.advance(g.small[:])
		if n == 0 {
			return 0, err
		}
		g.ready = g.small[:n]
	}
	n := copy(p, g.ready)
	g.ready = g.ready[n:]
	return n, nil
}

// advance fills p with checked bytes. The held back bytes go first, what is new
// is read behind them, and the last ones are taken back out.
func (g *Guard) advance(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	if _, err := g.Sniff(); err != nil {
		return 0, err
	}
	held := copy(p, g.tail[:g.tailLen])
	n, err := g.next(p[held:])
	if n > 0 {
		if err := g.take(p[held : held+n]); err != nil {
			return 0, g.bad(err)
		}
	}
	if errors.Is(err, io.EOF) {
		return g.finish(held + n)
	}
	if err != nil {
		return 0, g.broken(err)
	}
	passed := max(held+n-heldBack, 0)
	g.tailLen = copy(g.tail[:], p[passed:held+n])
	return passed, nil
}

// maxEmptyReads is how often a body may answer with nothing before it is given up.
const maxEmptyReads = 100

// next reads from what was read ahead, then from the body.
func (g *Guard) next(p []byte) (int, error) {
	if len(g.ahead) > 0 {
		n := copy(p, g.ahead)
		g.ahead = g.ahead[n:]
		return n, nil
	}
	for range maxEmptyReads {
		if n, err := g.body.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// take runs the checks over bytes that have just arrived.
func (g *Guard) take(p []byte) error {
	g.total += int64(len(p))
	if g.length >= 0 && g.total > g.length {
		return fmt.Errorf("more than the announced %d bytes arrived", g.length)
	}
	if g.total > g.limits.MaxBytes {
		return fmt.Errorf("it is larger than the limit of %d bytes", g.limits.MaxBytes)
	}
	g.sum = crc32.Update(g.sum, crc32.IEEETable, p)
	if err := g.check.write(p); err != nil {
		return err
	}
	width, height := g.check.size()
	if int64(width)*int64(height) > g.limits.MaxPixels {
		return fmt.Errorf("%d x %d pixels are more than the limit of %d", width, height, g.limits.MaxPixels)
	}
	return nil
}

// finish makes the last checks and lets the held back bytes go.
func (g *Guard) finish(n int) (int, error) {
	if g.length >= 0 && g.total != g.length {
		return 0, g.bad(fmt.Errorf("the body ended after %d of the announced %d bytes", g.total, g.length))
	}
	if err := g.check.end(g.total); err != nil {
		return 0, g.bad(err)
	}
	g.err = io.EOF
	return n, nil
}

// bad makes a failed check the guard's answer from now on.
func (g *Guard) bad(reason error) error {
	g.err = &job.BadImageError{Reason: reason.Error(), Bytes: g.total}
	return g.err
}

// broken makes an error of the body the guard's answer from now on. A body that
// its transport knows to be cut off is a bad image as well.
func (g *Guard) broken(err error) error {
	g.err = err
	if errors.Is(err, io.ErrUnexpectedEOF) {
		g.err = fmt.Errorf("%w (%w)", &job.BadImageError{Reason: "the connection ended early", Bytes: g.total}, err)
	}
	return g.err
}
