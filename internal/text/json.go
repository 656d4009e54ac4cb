package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// EscapeInvisible escapes the characters of a JSON text that cannot be seen; they can
// only stand within its strings. encoding/json keeps those beyond ASCII, which some
// terminals obey.
func EscapeInvisible(s string) string {
	var safe []byte
	for _, r := range s {
		if unicode.IsPrint(r) || r > 0xffff {
			safe = append(safe, string(r)...)
			continue
		}
		safe = fmt.Appendf(safe, `\u%04x`, r)
	}
	return string(safe)
}

// WriteJSON writes a value as JSON in one line, in which every character can be seen.
func WriteJSON(out io.Writer, value any) error { return writeJSON(out, value, "") }

// WriteIndentedJSON is [WriteJSON] for programs and people who read what programs do.
func WriteIndentedJSON(out io.Writer, value any) error { return writeJSON(out, value, "  ") }

func writeJSON(out io.Writer, value any, indent string) error {
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(content.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = EscapeInvisible(line)
	}
	_, err := io.WriteString(out, strings.Join(lines, "\n")+"\n")
	return err
}
