package manifest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
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

func jsonNumber(written string) json.Number { return json.Number(written) }

// encodingFault says what makes a whole file no text, with line and column, or
// "".
func encodingFault(content string) (message string, line, column int) {
	if strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff") {
		return "the file is UTF-16", 1, 1
	}
	at := strings.IndexByte(content, 0)
	message = "the file holds a NUL character"
	if !utf8.ValidString(content) {
		if invalid := firstInvalid(content); at < 0 || invalid < at {
			at, message = invalid, "the file is not valid UTF-8"
		}
	}
	if at < 0 {
		return "", 0, 0
	}
	before := content[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	return message, 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[start:])
}

// firstInvalid returns the place of the first byte that is not UTF-8.
func firstInvalid(content string) int {
	for i, c := range content {
		if c != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(content[i:]); size == 1 {
			return i
		}
	}
	return len(content)
}

// validPrefix drops what is left of a character that was cut in two.
func validPrefix(cut string) string {
	for len(cut) > 0 && !utf8.ValidString(cut) {
		cut = cut[:len(cut)-1]
	}
	return cut
}

func quoteShort(value string) string { return fmt.Sprintf("%q", shorten(value)) }
