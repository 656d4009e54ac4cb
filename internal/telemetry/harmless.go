package telemetry

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// address is a URL in a text: credentials and whatever follows the host are secret
// for some (a password of Redis, a signed link).
var address = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s/?#"']*@)?([^\s/?#"'@]*)[^\s"']*`)

const harmlessBytes = 300

// harmless is a text that strangers may read: short, and without secrets in URLs.
func harmless(text string) string {
	text = address.ReplaceAllString(text, "$1$2")
	if len(text) <= harmlessBytes {
		return text
	}
	end := harmlessBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.TrimSpace(text[:end]) + "…"
}
