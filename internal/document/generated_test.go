package document_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"nightshift/internal/document"
)

// TestGenerated writes trees of texts as YAML in every style that the specification
// allows for them, by rules of its own, and reads them back.
func TestGenerated(t *testing.T) {
	t.Parallel()
	const documents = 5000
	for seed := range uint64(documents) {
		w := &writer{random: rand.New(rand.NewPCG(seed, 1))}
		root := w.tree(0)
		w.block(root, 0)
		got, err := document.YAML(w.text.String())
		if err != nil {
			t.Fatalf("document %d: %v\n%s", seed, err, w.text.String())
		}
		if got, want := shape(&got), shape(&root); got != want {
			t.Fatalf("document %d is read as\n%s\nwant\n%s\nof\n%s", seed, got, want, w.text.String())
		}
	}
}

// shape is a tree without its places.
func shape(n *document.Node) string {
	var text strings.Builder
	text.WriteString(strconv.Quote(n.Text))
	for i := range n.Children {
		fmt.Fprintf(&text, "(%q %s)", n.Children[i].Name, shape(&n.Children[i].Value))
	}
	return text.String()
}

// writer writes trees as YAML.
type writer struct {
	random *rand.Rand
	text   strings.Builder
}

// pieces are what texts are made of: what has a meaning in YAML, and what people write.
var pieces = []string{
	"fox", "a", " ", " ", "  ", ",", ", ", ":", ": ", "#", " #", "# ", "\t", "-", "- ", "?", "? ", "'", "\"", `\`, `C:\Users`, "{", "}", "[", "]",
	"|", ">", "&", "*", "!", "%", "@", "`", "~", "null", "16:9", "1.10", "é", "薬", "👩\u200d🚀", "\u00a0", "\u2028", "\u0085", "\ufeff", "\n", "\n\n", "---", "...", "=", "<<", "x#y",
}

func (w *writer) word() string {
	var text strings.Builder
	for range 1 + w.random.IntN(6) {
		text.WriteString(pieces[w.random.IntN(len(pieces))])
	}
	return text.String()
}

func (w *writer) tree(depth int) document.Node {
	n := document.Node{Kind: document.Object}
	for i := range 1 + w.random.IntN(4) {
		f := document.Field{Name: fmt.Sprint("k", i), Value: document.Node{Kind: document.Text, Text: w.word()}}
		if depth < 3 && w.random.IntN(3) == 0 {
			f.Value = w.tree(depth + 1)
		}
		n.Children = append(n.Children, f)
	}
	if w.random.IntN(3) == 0 {
		n.Kind = document.List
		for i := range n.Children {
			n.Children[i].Name = ""
		}
	}
	return n
}

func (w *writer) coin() bool { return w.random.IntN(2) == 0 }

// block writes a group or list in lines.
func (w *writer) block(n document.Node, indent int) {
	for i := range n.Children {
		c := &n.Children[i]
		w.text.WriteString(strings.Repeat(" ", indent))
		if n.Kind == document.List {
			w.text.WriteString("-")
		} else {
			w.text.WriteString(c.Name + ":")
		}
		switch {
		case c.Value.Kind == document.Text:
			w.text.WriteString(" " + w.scalar(c.Value.Text, indent, true) + "\n")
		case w.coin():
			w.text.WriteString(" " + w.flow(&c.Value) + "\n")
		default:
			w.text.WriteString("   # a comment\n")
			w.block(c.Value, indent+1+w.random.IntN(3))
		}
	}
}

// flow writes a group or list in one line.
func (w *writer) flow(n *document.Node) string {
	if n.Kind == document.Text {
		return w.scalar(n.Text, 0, false)
	}
	var parts []string
	for i := range n.Children {
		c := &n.Children[i]
		part := w.flow(&c.Value)
		if n.Kind == document.Object {
			part = c.Name + ": " + part
		}
		parts = append(parts, part)
	}
	if n.Kind == document.List {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "{ " + strings.Join(parts, " , ") + " }"
}

// scalar writes a text in one of the styles that it can have.
func (w *writer) scalar(text string, indent int, block bool) string {
	switch {
	case canBePlain(text, block) && w.coin():
		return text
	case !strings.ContainsAny(text, "\n\ufeff") && w.coin():
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case block && strings.Trim(text, " \n\t") != "" && !strings.Contains(text, "\ufeff") && w.coin():
		return literal(text, indent)
	default:
		return w.quoted(text)
	}
}

func canBePlain(text string, block bool) bool {
	if strings.ContainsAny(text, "\n\ufeff") || strings.Trim(text, " \t") != text || strings.ContainsAny(text[:1], "-?:,[]{}#&*!|>'\"%@`") {
		return false
	}
	if strings.Contains(text, ": ") || strings.Contains(text, ":\t") || strings.HasSuffix(text, ":") || strings.Contains(text, " #") || strings.Contains(text, "\t#") {
		return false
	}
	if strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") || text == "null" || text == "~" {
		return false
	}
	return block || !strings.ContainsAny(text, ",[]{}:")
}

// literal writes a text after |, with its indentation said and its end kept.
func literal(text string, indent int) string {
	const deeper = 2
	end := "-"
	if before, cut := strings.CutSuffix(text, "\n"); cut {
		end, text = "+", before
	}
	pad := "\n" + strings.Repeat(" ", indent+deeper)
	return "|" + strconv.Itoa(deeper) + end + pad + strings.ReplaceAll(text, "\n", pad)
}

// quoted writes a text in double quotes, with some of its characters as escapes.
func (w *writer) quoted(text string) string {
	var written strings.Builder
	for _, r := range text {
		switch {
		case r == '\n':
			written.WriteString(`\n`)
		case r == '"' || r == '\\':
			written.WriteString(`\` + string(r))
		case r == '\ufeff', r == '\u2028', r == '\u0085':
			fmt.Fprintf(&written, `\u%04x`, r)
		case r > 0xffff && w.coin():
			fmt.Fprintf(&written, `\U%08x`, r)
		case r <= 0xffff && w.random.IntN(8) == 0:
			fmt.Fprintf(&written, `\u%04x`, r)
		default:
			written.WriteRune(r)
		}
	}
	return `"` + written.String() + `"`
}
