// Package suggest finds what a misspelt name was most likely meant to be.
package suggest

import "strings"

// Nearest returns the candidate that name was most likely meant to be, or "" where
// none is close. Of equally close ones it is the first.
func Nearest(name string, candidates []string) string {
	lower := strings.ToLower(name)
	best, least := "", 1+max(1, len(name)/3)
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
