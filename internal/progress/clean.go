package progress

import (
	"regexp"
	"strings"
	"unicode"
)

// How many characters of a text from outside are shown.
const (
	shortText = 80      // names of rows and batches
	longText  = 400     // reasons and details
	anyText   = 1 << 13 // paths, commands and what the program itself says
)

// sequences matches terminal escape sequences in their 7-bit and 8-bit forms:
// CSI, then OSC, DCS and other strings up to their terminator, then the short ones.
var sequences = regexp.MustCompile(
	`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]?` +
		`|(?:\x1b[\]PX^_]|[\x{9d}\x{90}\x{98}\x{9e}\x{9f}])[^\x07\x1b\x{9c}]*(?:\x07|\x1b\\|\x{9c})?` +
		`|\x1b[ -/]*[0-~]?`)

// clean makes a text from outside fit for one line of a terminal: escape
// sequences and invisible characters (controls, marks that turn the direction of
// writing) go, white space becomes one blank, and of a long text the first limit
// characters are kept.
func clean(text string, limit int) string {
	text = strings.ToValidUTF8(text, string(unicode.ReplacementChar))
	text = sequences.ReplaceAllString(text, "")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r), r == joiner:
			return r
		}
		return -1
	}, text)
	return shorten(strings.Join(strings.Fields(text), " "), limit)
}

// joiner is the invisible character that binds emoji together.
const joiner = '\u200d'

// shorten keeps the first limit characters.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return strings.TrimRight(string(runes[:limit-1]), " ") + "…"
}

// cleanLines cleans a text of several lines, each for itself.
func cleanLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		lines[i] = indent + clean(line, anyText)
	}
	return strings.Join(lines, "\n")
}
