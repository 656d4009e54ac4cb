// Package suggest finds what a misspelt name was most likely meant to be.
package suggest

import (
	"strings"
	"unicode"
)

// DidYouMean suggests the candidate that name was most likely meant to be, written
// in place of the % of a form such as {%}, or nothing where none is close.
func DidYouMean(name string, candidates []string, form string) string {
	near := Nearest(name, candidates)
	if near == "" {
		return ""
	}
	return "did you mean " + strings.Replace(form, "%", near, 1) + "?"
}

// OneOf suggests the word that written was most likely meant to be or, where none is
// close, all of them, as long as they are few.
func OneOf(written string, words []string) string {
	const few = 10
	last := len(words) - 1
	switch near := DidYouMean(written, words, "%"); {
	case near != "" || len(words) > few:
		return near
	case last == 0:
		return "write " + words[0]
	default:
		return "write " + strings.Join(words[:last], ", ") + " or " + words[last]
	}
}

// Nearest returns the candidate that name was most likely meant to be, or "" where
// none is close. Of equally close ones it is the first. A name of which no letter is
// left was not meant.
func Nearest(name string, candidates []string) string {
	lower := strings.ToLower(name)
	best, least := "", min(len(name), 1+max(1, len(name)/3))
	for _, candidate := range candidates {
		if strings.EqualFold(name, candidate) {
			return candidate
		}
		if d := Distance(lower, strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// Fold brings names that people take for one into one form: without case, blanks,
// hyphens and underscores.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// maxCompared bounds the length in bytes of names that are compared letter by
// letter.
const maxCompared = 64

// Distance counts the letters that must be added, left out, changed or swapped
// with their neighbour to turn a into b. Names of more than 64 bytes are far from
// every other.
func Distance(a, b string) int {
	if len(a) > maxCompared || len(b) > maxCompared {
		return maxCompared
	}
	var before, last, row [maxCompared + 1]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
