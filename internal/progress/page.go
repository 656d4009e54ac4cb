package progress

import (
	"strings"

	"nightshift/internal/text"
)

const (
	labelWidth = 10 // of the names of fields
	leastText  = 20 // columns beside them, however narrow the terminal
)

// page gathers the lines of a summary. Its text is broken at width, or not at all
// if that is 0; paths and commands never are, so that they can be copied.
type page struct {
	strings.Builder
	width int
	brush brush
}

func (p *page) line(color paint, text string) {
	for _, line := range p.broken(text, p.width) {
		p.WriteString(p.brush.paint(color, line) + "\n")
	}
}

func (p *page) blank() { p.WriteString("\n") }

// field writes a text beside its name; an empty text leaves the field out.
func (p *page) field(name string, color paint, text string) {
	for _, line := range p.broken(text, p.width-labelWidth-2) {
		p.WriteString("  " + p.label(name) + p.brush.paint(color, line) + "\n")
		name = ""
	}
}

// place writes a path or an address.
func (p *page) place(name, path string) {
	if path != "" {
		p.WriteString("  " + p.label(name) + text.CleanWithLinks(path, text.Any) + "\n")
	}
}

// next writes what can be done next and the command for it.
func (p *page) next(advice, command string) {
	if advice == "" {
		return
	}
	p.blank()
	p.line(plain, "Next: "+advice)
	if command != "" {
		p.WriteString("  " + p.brush.paint(bold, text.Clean(command, text.Any)) + "\n")
	}
}

func (p *page) label(name string) string {
	return p.brush.paint(faint, name) + strings.Repeat(" ", labelWidth-len(name))
}

func (p *page) broken(text string, width int) []string {
	if text == "" {
		return nil
	}
	if p.width == 0 {
		return []string{text}
	}
	return wrap(text, max(width, leastText), 0)
}
