package scenario

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxWords  = 600 // bytes of the provider's words that an error carries
	minSecret = 8   // shorter ones are made up for tests and occur in plain text
)

// addressQuery finds the query of an address, where a signature would be.
var addressQuery = regexp.MustCompile(`(?i)(https?://[^\s?"'<>]+)\?[^\s"'<>]*`)

var tag = regexp.MustCompile(`(?s)<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>`)

// withoutTags leaves the text of a gateway's page.
func withoutTags(page string) string {
	if !strings.HasPrefix(strings.TrimSpace(page), "<") {
		return page
	}
	return tag.ReplaceAllString(page, " ")
}

// cleaner returns a function that makes the provider's words fit to be shown: one
// line of bounded length, without control characters, credentials or the signed
// part of a link.
func cleaner(key, secret string) func(string) string {
	var pairs []string
	basic := base64.StdEncoding.EncodeToString([]byte(key + ":" + secret))
	for _, text := range []string{basic, key, secret} {
		if len(text) >= minSecret {
			pairs = append(pairs, text, "[hidden]")
		}
	}
	hide := strings.NewReplacer(pairs...)
	return func(words string) string {
		words = strings.ToValidUTF8(words, "\uFFFD")
		words = strings.Map(printable, words)
		words = strings.Join(strings.Fields(words), " ")
		words = addressQuery.ReplaceAllString(hide.Replace(words), "$1?[hidden]")
		return cut(words)
	}
}

// printable turns what would move the cursor of a terminal into spaces, and drops
// what cannot be seen.
func printable(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsPrint(r):
		return r
	default:
		return -1
	}
}

// cut shortens words at the border of a character.
func cut(words string) string {
	if len(words) <= maxWords {
		return words
	}
	end := maxWords
	for !utf8.RuneStart(words[end]) {
		end--
	}
	return words[:end] + "…"
}
