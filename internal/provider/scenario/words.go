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

// secrets find what opens a link to whoever reads it, with what stands in its
// place. Links come in all forms: with or without a scheme or host, and within
// another address, where "=" is "%3D".
var secrets = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`//[^\s/"'<>]*@`), "//[hidden]@"},
	{regexp.MustCompile(`(?i)(https?://[^\s?"'<>]+)\?[^\s"'<>]*`), "$1?[hidden]"},
	{regexp.MustCompile(`\?[^\s"'<>]*=[^\s"'<>]*`), "?[hidden]"},
	{regexp.MustCompile(`(?i)(Policy|Signature|Key-Pair-Id)(=|%3D)[^\s&"'<>]*`), "$1$2[hidden]"},
}

var tag = regexp.MustCompile(`(?s)<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>`)

// withoutTags leaves the text of a gateway's page.
func withoutTags(page string) string {
	if !strings.HasPrefix(strings.TrimSpace(page), "<") {
		return page
	}
	return tag.ReplaceAllString(page, " ")
}

// cleaner returns a function that makes the provider's words fit to be shown: one
// line of bounded length, without control characters, credentials or the parts of
// a link that open it.
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
		words = hide.Replace(words)
		for _, secret := range secrets {
			words = secret.pattern.ReplaceAllString(words, secret.shown)
		}
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
