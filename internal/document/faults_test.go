package document_test

import (
	"fmt"
	"strings"
	"testing"

	"nightshift/internal/document"
)

// read reads YAML and writes down what it says, one thing a line: the problem, or the
// doubts.
func read(src string) string {
	var told strings.Builder
	r := document.Reader{Problems: &document.Problems{}}
	_, err := document.YAMLInDoubt(src, func(at document.Position, suggestion, message string) {
		fmt.Fprintf(&told, "doubt %d:%d %s; %s\n", at.Line, at.Column, message, suggestion)
	})
	if err != nil {
		r.Syntax(err)
		told.WriteString(r.Problems.Error() + "\n")
	}
	return told.String()
}

// TestFaults holds what is said of YAML that is none, or reads otherwise than it looks.
func TestFaults(t *testing.T) {
	t.Parallel()
	const (
		quoteComma = "; if it belongs to the text before the comma, quote the text: it holds a comma\n"
		noEscape   = " is not an escape of YAML; write \\\\ for a backslash, or put the text in single quotes\n"
		comment    = " # begins a comment here, and the text ends before it; quote the text if it goes on; write two blanks before the # and one behind it if not\n"
		character  = " is a character of its own, and no backslash; write \\\\ for a backslash, or put the text in single quotes\n"
	)
	for src, want := range map[string]string{
		"a: \"C:\\Users\"\nb: \"\\unicorn \\q\"":      ":1:7: \\U" + noEscape + ":2:5: \\u" + noEscape + ":2:14: \\q" + noEscape,
		"- {id: a, prompt: a fox, in snow, at night}": ":1:26: \"in snow\" is a field without a value" + quoteComma + ":1:35: \"at night\" is a field without a value" + quoteComma,
		"- {id: a, ä: a fox,\n   in\n   snow}":        ":2:4: \"in snow\" is a field without a value" + quoteComma,
		"{a: x, \"b\"}":                               ":1:8: \"b\" is a field without a value" + quoteComma,
		"{a: b:c, b:1}":                               ":1:10: \"b:1\" has no blank behind its colon, and is a name without a value; write b: 1\n",
		"{a:, b: , \"c\": , d: ~, e: ''}":             "",
		"a:\nb: [x, in snow]\nc:\n":                   "",
		"ü: \"photo of C:\\Users\\new\"":              ":1:16: \\U" + noEscape,
		"a: \"a \\unicorn\"":                          ":1:7: \\u" + noEscape,
		"a: \"a \\xylophone\"":                        ":1:7: \\x" + noEscape,
		"a: \"a \\quartz\"":                           ":1:7: \\q" + noEscape,
		"a: \"\\ud800\"":                              ":1:5: \\u" + noEscape,
		"a: \"line\n  \\day\"":                        ":2:3: \\d" + noEscape,
		"a: 'C:\\Users'\nb: C:\\Users":                "",
		"a: \"\\u00e9 \\\"x\\\" \\n \\\\ \\/ \\t\"":   "",
		"a: \"C:\\new\"":                              "doubt 1:4 in double quotes \\n" + character,
		"a: \"the \\apple\"":                          "doubt 1:4 in double quotes \\a" + character,
		"a: \"see: \\new\"":                           "",
		"a: color #ff0000 fox":                        "doubt 1:4" + comment,
		"a: fox  #1":                                  "doubt 1:4" + comment,
		"a: fox #":                                    "doubt 1:4" + comment,
		"a: a fox # in snow":                          "doubt 1:4" + comment,
		"a: [a red # fox\n  ]":                        "doubt 1:5" + comment,
		"- a red\n  fox #1":                           "doubt 1:3" + comment,
		"a: a fox  # the hero":                        "",
		"a: test # or live":                           "",
		"a: 512 #px\nb: a#b\nc: \"x\" #y\n#d":         "",
		"a:\n\t- b":                                   ":2:1: a tab indents the line, which YAML does not allow; use spaces\n",
		"a:\n  b: c\n \td: e":                         ":3:2: a tab indents the line, which YAML does not allow; use spaces\n",
		"a: @fox":                                     ":1:4: a text cannot start with this character; quote the text\n",
		"a: a fox: red":                               ":1:9: a colon and a blank stand within a text, or the line is indented too deep; quote the text, or indent the line as its neighbours\n",
		"a: fox\nowl":                                 ":2:1: the line is no field: it has no colon, and does not go on with the text above; write name: value; a text that goes on is indented deeper\n",
		"a: 1\nb: \"fox\nc: 2\n":                      ":2:4: a quote is opened here and never closed; close it\n",
		"a: \"fox\" red":                              ":1:10: the line does not belong to the fields above; indent all fields of a group alike; nothing follows the quote that ends a text\n",
		"a: {b}, red":                                 ":1:4: { begins a group of fields, and more follows its }; quote the text\n",
		"a: {b} in red\nc: d":                         ":1:4: { begins a group of fields, and more follows its }; quote the text\n",
		"a: [b] red":                                  ":1:4: [ begins a list, and more follows its ]; quote the text\n",
		"- {b}, red":                                  ":1:3: { begins a group of fields, and more follows its }; quote the text\n",
		"a: {b}":                                      ":1:5: \"b\" is a field without a value; if the braces belong to a text, quote it\n",
		"a: {b: c":                                    ":1:4: the group in braces is not closed with }; close it; quote texts in it that hold , : # [ ] { or }\n",
		"- a\nb: c":                                   ":2:1: the line does not belong to the list above; indent all entries of a list alike, each with a dash and a blank\n",
		"a: - b":                                      ":1:4: a list cannot start here; begin it in the next line, or quote a text that starts with a dash and a blank\n",
		"a: *.png":                                    ":1:4: * begins an alias, and this is none; quote a text that starts with *\n",
		"a: * fox":                                    ":1:4: * and & stand for aliases and anchors; quote a text that starts with one of them\n",
		"a: \u202e\u200b x":                           "",
		"a: !x|y":                                     ":1:4: ! begins a type, and this is none; quote a text that starts with !\n",
		"a: ![b]":                                     ":1:4: ! begins a type, and this is none; quote a text that starts with !\n",
		"%YAML 1.2\n---\na: b\n...\n":                 "",
		"---\na: b\n---\n":                            "",
		"%TAG x\na: b":                                ":1:1: % begins a directive, and this is none; quote a text that starts with %\n",
		"a: &x [*x]":                                  ":1:8: the alias *x has no anchor &x before it\n",
		"a: \x07":                                     ":1:4: the file holds a control character; take it out\n",
	} {
		if got := read(src); got != want {
			t.Errorf("of %q it says\n%swant\n%s", src, got, want)
		}
	}
}

// TestPlainTexts holds what plain texts are read as.
func TestPlainTexts(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"red\tfox in\tsnow":   "red\tfox in\tsnow",
		"[16:9, 1:1]":         "16:9|1:1",
		"a\n b\n\n c":         "a b\nc",
		"fox#1 in:snow":       "fox#1 in:snow",
		"\"C:\\\\Users\"":     `C:\Users`,
		"'it''s C:\\Users'":   `it's C:\Users`,
		">-\n  a\n  b\n\n  c": "a b\nc",
		"|-\n  a # b\n  c":    "a # b\nc",
		"- x\ty":              "x\ty",
	} {
		root, err := document.YAML("- " + strings.ReplaceAll(src, "\n", "\n  "))
		if err != nil {
			t.Errorf("%q: %v", src, err)
			continue
		}
		value := root.Children[0].Value
		texts := []string{value.Text}
		for i, c := range value.Children {
			texts = append(texts[:i], c.Value.Text)
		}
		if got := strings.Join(texts, "|"); got != want {
			t.Errorf("%q is read as %q, want %q", src, got, want)
		}
	}
}
