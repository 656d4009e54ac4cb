package picture

import (
	"slices"
	"strings"
	"unicode"
)

// words are the words of a prompt, lower case, in their order.
type words []string

func read(prompt string) words {
	return strings.FieldsFunc(strings.ToLower(prompt), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-'
	})
}

func (w words) has(any ...string) bool {
	return slices.ContainsFunc(w, func(word string) bool { return slices.Contains(any, word) })
}

func (w words) icon() bool { return w.has("icon", "badge", "sticker", "emblem", "logo") }

func (w words) hues() []float64 {
	var found []float64
	for _, word := range w {
		if hue, known := hues[word]; known {
			found = append(found, hue)
		}
	}
	return found
}

// maxSubjects is how many things one picture shows.
const maxSubjects = 3

// subjects returns the things that the prompt speaks of, in order, each once; a
// thing that only a weak word names, such as portrait, only where it is alone.
func (w words) subjects() []*subject {
	if strong := w.named(false); len(strong) > 0 {
		return strong
	}
	return w.named(true)
}

func (w words) named(weak bool) []*subject {
	var found []*subject
	for _, word := range w {
		word = singular(word)
		subject := subjectsByWord()[word]
		if subject == nil || subject.weak[word] != weak || slices.Contains(found, subject) {
			continue
		}
		if found = append(found, subject); len(found) == maxSubjects {
			break
		}
	}
	return found
}

// singular takes the s off a plural. Words in -ss, -us, -is and -os are left alone,
// since most of them are singular.
func singular(word string) string {
	stem, plural := strings.CutSuffix(word, "s")
	if !plural || len(stem) < 3 || strings.ContainsRune("suio", rune(stem[len(stem)-1])) {
		return word
	}
	return stem
}
