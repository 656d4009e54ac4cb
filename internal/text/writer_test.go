package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanWriter(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"  NAME\tSTATE\n\n  зелье  薬\n":                 "  NAME\tSTATE\n\n  зелье  薬\n",
		"a\x1b[31mred\x1b[0m\nb":                        "ared\nb",
		"\x1b]0;owned\nnext line":                       "\nnext line",
		"\x1b]8;;http://evil/\x1b\\click\x1b]8;;\x1b\\": "click",
		"50%\r100%\x08\x07\x7f\u009b2J":                 "50%100%",
		"a\u202egnp.exe\u2066\u200b\ufeff":              "agnp.exe",
		"👩\u200d🚀\xff":                                  "👩\u200d🚀\ufffd",
	} {
		var whole, bytewise strings.Builder
		_, _ = NewCleanWriter(&whole).Write([]byte(from))
		if whole.String() != want {
			t.Errorf("%q is written as %q, want %q", from, whole.String(), want)
		}
		w := NewCleanWriter(&bytewise)
		for i := range len(from) {
			if n, err := w.Write([]byte{from[i]}); n != 1 || err != nil {
				t.Errorf("Write returns %d, %v", n, err)
			}
		}
		if hostile(bytewise.String()) || !utf8.ValidString(bytewise.String()) {
			t.Errorf("%q, byte by byte, is written as %q", from, bytewise.String())
		}
	}
}

// hostile reports whether a text holds what a terminal obeys or hides.
func hostile(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && r != joiner && !unicode.IsPrint(r) })
}
