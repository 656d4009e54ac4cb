package progress

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// columns is how wide a text without escape sequences is.
func columns(text string) int { return runewidth.StringWidth(text) }

// cut shortens a text to a width.
func cut(text string, width int) string { return runewidth.Truncate(text, width, "…") }

// flow sets items into lines of a width, with a separator between them; an item
// that is wider than a line is cut. It paints after measuring.
func flow(items []item, separator string, width int, b brush) []string {
	var lines []string
	line, used := "", 0
	for _, item := range items {
		text := cut(item.text, width)
		switch need := columns(separator) + columns(text); {
		case used == 0:
			line, used = b.paint(item.paint, text), columns(text)
		case used+need <= width:
			line += b.paint(faint, separator) + b.paint(item.paint, text)
			used += need
		default:
			lines = append(lines, line)
			line, used = b.paint(item.paint, text), columns(text)
		}
	}
	if used > 0 {
		lines = append(lines, line)
	}
	return lines
}

// wrap breaks a text between words into lines of a width, at most limit lines (0:
// any number), the last of which is cut. Words wider than a line are broken.
func wrap(text string, width, limit int) []string {
	var lines []string
	for rest := text; rest != ""; {
		if limit > 0 && len(lines) == limit-1 {
			return append(lines, cut(rest, width))
		}
		line := head(rest, width)
		lines = append(lines, strings.TrimRight(line, " "))
		rest = strings.TrimLeft(rest[len(line):], " ")
	}
	return lines
}

// head is the longest start of text that fits, up to a blank if there is one. It
// holds at least one character.
func head(text string, width int) string {
	used, blank := 0, 0
	for at, r := range text {
		if used += runewidth.RuneWidth(r); used > width && at > 0 {
			if r == ' ' {
				return text[:at]
			}
			if blank > 0 {
				return text[:blank]
			}
			return text[:at]
		}
		if r == ' ' {
			blank = at
		}
	}
	return text
}

// apart sets two texts to the ends of a line; the right one goes if there is no
// room for both.
func apart(left, right string, width int, b brush, leftPaint, rightPaint paint) string {
	gap := width - columns(left) - columns(right)
	if right == "" || gap < 2 {
		return b.paint(leftPaint, cut(left, width))
	}
	return b.paint(leftPaint, left) + strings.Repeat(" ", gap) + b.paint(rightPaint, right)
}
