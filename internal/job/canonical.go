package job

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Canonical encodes the inputs with sorted names: equal inputs, equal bytes. They
// are those that [json.Encoder] writes without HTML escaping, which job IDs rest
// on; they are written without reflection here, because every row of a plan is
// encoded once. It panics on a value that JSON cannot hold, because those are
// refused where inputs are made.
func (in Inputs) Canonical() []byte {
	const usual = 256 // bytes that most inputs fit in
	return in.AppendCanonical(make([]byte, 0, usual))
}

// AppendCanonical appends what Canonical returns.
func (in Inputs) AppendCanonical(buffer []byte) []byte { return appendObject(buffer, in) }

// appendValue appends one value of the types of [Inputs]; others go the long way.
func appendValue(buffer []byte, value any) []byte {
	switch value := value.(type) {
	case nil:
		return append(buffer, "null"...)
	case string:
		return AppendText(buffer, value)
	case json.Number:
		return appendNumber(buffer, value)
	case bool:
		if value {
			return append(buffer, "true"...)
		}
		return append(buffer, "false"...)
	case []any:
		return appendList(buffer, value)
	case map[string]any:
		return appendObject(buffer, value)
	default:
		return appendReflected(buffer, value)
	}
}

func appendList(buffer []byte, items []any) []byte {
	if items == nil {
		return append(buffer, "null"...)
	}
	buffer = append(buffer, '[')
	for i, item := range items {
		if i > 0 {
			buffer = append(buffer, ',')
		}
		buffer = appendValue(buffer, item)
	}
	return append(buffer, ']')
}

func appendObject(buffer []byte, fields map[string]any) []byte {
	if fields == nil {
		return append(buffer, "null"...)
	}
	var few [16]string // the names of most inputs, kept off the heap
	names := few[:0]
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	buffer = append(buffer, '{')
	for i, name := range names {
		if i > 0 {
			buffer = append(buffer, ',')
		}
		buffer = append(AppendText(buffer, name), ':')
		buffer = appendValue(buffer, fields[name])
	}
	return append(buffer, '}')
}

// appendNumber appends a number as it is, once it is known to be one; what is not
// is left to encoding/json.
func appendNumber(buffer []byte, n json.Number) []byte {
	if plainDigits(n) || decimal(n) && json.Valid([]byte(n)) {
		return append(buffer, n...)
	}
	return appendReflected(buffer, n)
}

// plainDigits reports whether n is a whole number without sign or leading zero,
// as most are, to spare them the full check.
func plainDigits(n json.Number) bool {
	for i := range len(n) {
		if n[i] < '0' || n[i] > '9' {
			return false
		}
	}
	return n != "" && (n[0] != '0' || n == "0")
}

// decimal reports whether n begins and ends as a number does, so that valid JSON
// is nothing else and has no space around it.
func decimal(n json.Number) bool {
	return n != "" && strings.IndexByte("-0123456789", n[0]) >= 0 && strings.IndexByte("0123456789", n[len(n)-1]) >= 0
}

// AppendText appends a text in quotes, as Canonical writes it.
func AppendText(buffer []byte, text string) []byte {
	buffer = append(buffer, '"')
	plain := 0 // up to where the text is appended
	for at := 0; at < len(text); {
		if c := text[at]; c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' {
				buffer = append(buffer, text[plain:at]...)
				buffer = appendEscape(buffer, c)
				plain = at + 1
			}
			at++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[at:])
		if escape := runeEscape(r, size); escape != "" {
			buffer = append(buffer, text[plain:at]...)
			buffer = append(buffer, escape...)
			plain = at + size
		}
		at += size
	}
	buffer = append(buffer, text[plain:]...)
	return append(buffer, '"')
}

// appendEscape appends an ASCII character that cannot stand in a text as it is.
func appendEscape(buffer []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(buffer, '\\', c)
	case '\b':
		return append(buffer, `\b`...)
	case '\f':
		return append(buffer, `\f`...)
	case '\n':
		return append(buffer, `\n`...)
	case '\r':
		return append(buffer, `\r`...)
	case '\t':
		return append(buffer, `\t`...)
	default:
		return append(buffer, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
}

// runeEscape returns how a character beyond ASCII is written, or "" for as it is:
// a byte that is not UTF-8 becomes the replacement character, and the two line
// separators, which end a line in JavaScript, are escaped.
func runeEscape(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return `\ufffd`
	case r == '\u2028':
		return `\u2028`
	case r == '\u2029':
		return `\u2029`
	default:
		return ""
	}
}

// appendReflected appends any value by way of encoding/json.
func appendReflected(buffer []byte, value any) []byte {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		// Only a value outside the documented types can get here, and those
		// are refused where inputs are made.
		panic(fmt.Sprintf("job: inputs hold a value that JSON cannot: %v", err))
	}
	return append(buffer, bytes.TrimSuffix(encoded.Bytes(), []byte{'\n'})...)
}
