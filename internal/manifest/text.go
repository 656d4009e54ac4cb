package manifest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"nightshift/internal/text"

	"golang.org/x/text/encoding/unicode"
)

// bom is the mark that some editors put at the start of a file.
const bom = "\ufeff"

// notUTF8 says what is wrong with a cell in another encoding, and what to do: mostly it
// comes from a spreadsheet on Windows.
const notUTF8 = `is not valid UTF-8, but perhaps Windows-1252; save the file as UTF-8, in Excel as "CSV UTF-8"`

// withoutBOM skips the mark at the start of a stream.
func withoutBOM(from io.Reader) io.Reader {
	buffered := bufio.NewReaderSize(from, 16<<10)
	// An error of Peek comes again with the first Read.
	if start, _ := buffered.Peek(len(bom)); string(start) == bom {
		_, _ = buffered.Discard(len(bom))
	}
	return buffered
}

// asUTF8 reads what some spreadsheets and shells on Windows write, UTF-16, as UTF-8.
// Anything else stays as it is.
func asUTF8(buffered *bufio.Reader) io.Reader {
	const enough = 4
	// An error of Peek comes again with the first Read.
	start, _ := buffered.Peek(enough)
	order, ok := byteOrder(start)
	if !ok {
		return buffered
	}
	return unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(buffered)
}

// byteOrder tells UTF-16 by its mark or, without one, by every other byte of its first
// letters, which is zero.
func byteOrder(start []byte) (order unicode.Endianness, ok bool) {
	switch {
	case bytes.HasPrefix(start, []byte("\xff\xfe")):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(start, []byte("\xfe\xff")):
		return unicode.BigEndian, true
	case len(start) < 4 || start[0]|start[2] != 0 && start[1]|start[3] != 0:
		return unicode.BigEndian, false
	case start[0]|start[2] == 0:
		return unicode.BigEndian, start[1] != 0 && start[3] != 0
	default:
		return unicode.LittleEndian, start[0] != 0 && start[2] != 0
	}
}

func quoteShort(value string) string { return fmt.Sprintf("%q", text.Shown(value, shownLength)) }
