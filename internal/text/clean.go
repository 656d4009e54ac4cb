package text

import (
	"regexp"
	"strings"
	"unicode"
)

// How many characters of a text from outside are shown.
const (
	Short = 80      // names of rows and batches
	Long  = 400     // reasons and details
	Any   = 1 << 13 // paths, commands and what the program itself says
)

// sequences matches terminal escape sequences in their 7-bit and 8-bit forms:
// CSI, then OSC, DCS and other strings up to their terminator, then the short ones.
var sequences = regexp.MustCompile(
	`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]?` +
		`|(?:\x1b[\]PX^_]|[\x{9d}\x{90}\x{98}\x{9e}\x{9f}])[^\x07\x1b\x{9c}]*(?:\x07|\x1b\\|\x{9c})?` +
		`|\x1b[ -/]*[0-~]?`)

// Clean makes a text from outside fit for one line of a terminal: escape
// sequences and invisible characters (controls, marks that turn the direction of
// writing) go, and so do secrets in links; white space becomes one blank, and of a long text
// the first limit characters are kept.
func Clean(s string, limit int) string { return CleanWithLinks(HideSecrets(s), limit) }

// CleanWithLinks cleans a text whose links a person is to follow.
func CleanWithLinks(s string, limit int) string {
	s = strings.ToValidUTF8(s, string(unicode.ReplacementChar))
	s = sequences.ReplaceAllString(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r), r == joiner:
			return r
		}
		return -1
	}, s)
	return Shorten(strings.Join(strings.Fields(s), " "), limit)
}

// joiner is the invisible character that binds emoji together.
const joiner = '\u200d'

// Shorten keeps the first limit characters.
func Shorten(s string, limit int) string {
	count, end := 0, 0
	for at := range s {
		switch count++; count {
		case limit:
			end = at
		case limit + 1:
			return strings.TrimRight(s[:end], " ") + "…"
		}
	}
	return s
}

// CleanLines cleans a text of several lines, each for itself.
func CleanLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		lines[i] = indent + Clean(line, Any)
	}
	return strings.Join(lines, "\n")
}
