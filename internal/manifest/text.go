package manifest

import (
	"bufio"
	"fmt"
	"io"

	"nightshift/internal/text"
)

// bom is the mark that some editors put at the start of a file.
const bom = "\ufeff"

// withoutBOM skips the mark at the start of a stream.
func withoutBOM(from io.Reader) io.Reader {
	buffered := bufio.NewReaderSize(from, 16<<10)
	// An error of Peek comes again with the first Read.
	if start, _ := buffered.Peek(len(bom)); string(start) == bom {
		_, _ = buffered.Discard(len(bom))
	}
	return buffered
}

func quoteShort(value string) string { return fmt.Sprintf("%q", text.Shorten(value, shownLength)) }
