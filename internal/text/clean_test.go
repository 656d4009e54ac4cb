package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"plain":                {"health potion", "health potion"},
		"letters of the world": {"зелье 薬 𝔭 é", "зелье 薬 𝔭 é"},
		"joined emoji":         {"👩\u200d🚀 ok", "👩\u200d🚀 ok"},
		"newlines and tabs":    {"a\r\nb\tc\n", "a b c"},
		"line separators":      {"a\u2028b\u2029c\u0085d", "a b c d"},
		"colour":               {"\x1b[31mred\x1b[0m", "red"},
		"cursor and erase":     {"a\x1b[2J\x1b[1;1Hb", "ab"},
		"title by OSC":         {"a\x1b]0;owned\x07b", "ab"},
		"link by OSC":          {"\x1b]8;;http://evil/\x1b\\click\x1b]8;;\x1b\\", "click"},
		"OSC without an end":   {"a\x1b]0;b", "a"},
		"device control":       {"a\x1bP1$r\x1b\\b", "ab"},
		"reset":                {"a\x1bcb", "ab"},
		"8-bit CSI":            {"a\u009b31mb", "ab"},
		"8-bit OSC":            {"a\u009d0;owned\u009cb", "ab"},
		"lone escape":          {"a\x1b", "a"},
		"escape in an escape":  {"\x1b\x1b[31ma", "a"},
		"bell and backspace":   {"a\x07\x08\x7fb", "ab"},
		"direction":            {"a\u202egnp.exe\u2066b\u200f", "agnp.exeb"},
		"zero width":           {"a\u200bb\ufeffc\u00add", "abcd"},
		"not UTF-8":            {"a\xff\xfeb", "a\ufffdb"},
		"raw 8-bit CSI":        {"a\x9b31mb", "a\ufffd31mb"},
		"nothing left":         {"\x1b[0m \n", ""},
		"long":                 {strings.Repeat("ab ", 100), strings.Repeat("ab ", 26) + "a…"},
		"long and wide":        {strings.Repeat("薬", 100), strings.Repeat("薬", Short-1) + "…"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Clean(test.text, Short); got != test.want {
				t.Errorf("Clean(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}

func TestCleanLines(t *testing.T) {
	t.Parallel()
	got := CleanLines("one\x1b[31m\n  two\r\n\nthree\n")
	if want := "one\n  two\n\nthree"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzClean: whatever comes in, what comes out is one short line of visible text.
func FuzzClean(f *testing.F) {
	f.Add("a\x1b[31m\u009b2J\x1b]0;t\x07\n\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := Clean(text, Short)
		hostile := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) && r != joiner })
		if hostile >= 0 || !utf8.ValidString(got) || utf8.RuneCountInString(got) > Short {
			t.Errorf("Clean(%q) = %q", text, got)
		}
	})
}
