package text

import (
	"strconv"
	"strings"
)

// Count is a number with its noun: "1 image", "2 images".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(n) + " " + noun + "s"
}

// Number writes a count with its thousands apart: "1,234,567".
func Number(n int) string { return Thousands(strconv.Itoa(n)) }

// Thousands sets the thousands of a decimal number apart.
func Thousands(decimal string) string {
	whole, fraction, _ := strings.Cut(decimal, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}

// Brackets sets a detail behind what it belongs to; it is "" without one.
func Brackets(detail string) string {
	if detail == "" {
		return ""
	}
	return " (" + detail + ")"
}

// Bytes writes a size as people read it: "812 bytes", "34 kB", "1.2 MB".
func Bytes(n int64) string {
	const kilo, mega = 1000, 1000 * 1000
	switch {
	case n < kilo:
		return Count(int(n), "byte")
	case n < mega:
		return strconv.FormatInt((n+kilo/2)/kilo, 10) + " kB"
	default:
		return strconv.FormatFloat(float64(n)/mega, 'f', 1, 64) + " MB"
	}
}
