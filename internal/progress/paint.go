package progress

// paint is a colour of the terminal's own palette, as an SGR code.
type paint string

const (
	plain  paint = ""
	bold   paint = "1"
	faint  paint = "2"
	red    paint = "31"
	green  paint = "32"
	yellow paint = "33"
	cyan   paint = "36"
)

// brush paints, or does not where colours are off.
type brush bool

func (b brush) paint(p paint, text string) string {
	if !b || p == plain || text == "" {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}
