package progress

import (
	"io"
	"nightshift/internal/text"
	"os"
	"strings"

	"golang.org/x/term"
)

// plainWidth is the width where it is not known.
const plainWidth = 80

// Style says how to show things.
type Style struct {
	Terminal bool // draw a live view; otherwise write lines
	Width    int  // columns of the terminal; 0: 80, and lines of any length on a pipe
	Color    bool // use colours
	Quiet    bool // nothing but failures and the summary
	JSON     bool // one JSON object a line; goes before Terminal
}

// StyleOf returns the style that suits out. Only a terminal gets a live view and
// colours, and not if TERM is "dumb"; NO_COLOR, if not empty, turns colours off
// (https://no-color.org). environ is a list of "NAME=value".
func StyleOf(out io.Writer, environ []string, quiet, json bool) Style {
	style := Style{Quiet: quiet, JSON: json}
	file, ok := text.Below(out).(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return style
	}
	style.Width = plainWidth
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		style.Width = width
	}
	if variable(environ, "TERM") == "dumb" {
		return style
	}
	style.Terminal = true
	style.Color = variable(environ, "NO_COLOR") == ""
	return style
}

// Screen is what texts of this style are written to. A style that draws or colours
// needs the terminal itself; texts from outside are cleaned before they get there.
func Screen(out io.Writer, s Style) io.Writer {
	if s.Terminal || s.Color {
		return text.Below(out)
	}
	return out
}

// variable is the last value that environ gives to name, as in a process.
func variable(environ []string, name string) string {
	value := ""
	for _, entry := range environ {
		if key, v, found := strings.Cut(entry, "="); found && key == name {
			value = v
		}
	}
	return value
}

func (s Style) width() int {
	if s.Width <= 0 {
		return plainWidth
	}
	return s.Width
}
