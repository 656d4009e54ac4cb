package document

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/text"
)

// Place is where something stands in a file. Lines and columns count from 1,
// columns in characters; 0 means that it is not known.
type Place struct {
	File         string
	Line, Column int
}

// String writes the place as editors and terminals understand it:
// "icons.yaml:12:7", leaving out what is not known.
func (p Place) String() string {
	text := p.File
	if p.Line > 0 {
		text += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			text += ":" + strconv.Itoa(p.Column)
		}
	}
	return text
}

// Compare orders places by file, line and column.
func (p Place) Compare(other Place) int {
	return cmp.Or(strings.Compare(p.File, other.File), cmp.Compare(p.Line, other.Line), cmp.Compare(p.Column, other.Column))
}

// Problem is one thing that is wrong in a file, for the person who wrote it.
type Problem struct {
	Place      Place
	Message    string
	Suggestion string // what to do about it, or ""
}

// Error writes place, message and suggestion in one line, and nothing of a link that may be
// secret.
func (p *Problem) Error() string {
	said := p.Message
	if place := p.Place.String(); place != "" {
		said = place + ": " + said
	}
	if p.Suggestion != "" {
		said += "; " + p.Suggestion
	}
	return text.HideSecrets(said)
}

// maxListed bounds a list of problems: a file of a million bad rows must not
// fill memory or the terminal.
const maxListed = 50

// Problems is a bounded list of problems as one error.
type Problems struct {
	List []*Problem // the first 50
	More int        // how many further ones there are
	// Alike is how many more there are of which the message of a listed one tells.
	Alike int
}

// Add appends a problem, or only counts it when the list is full.
func (p *Problems) Add(problem *Problem) {
	if len(p.List) < maxListed {
		p.List = append(p.List, problem)
		return
	}
	p.More++
}

// Sort brings the list into the order of the file.
func (p *Problems) Sort() {
	slices.SortStableFunc(p.List, func(a, b *Problem) int { return a.Place.Compare(b.Place) })
}

// Len is how many problems there are, listed or not.
func (p *Problems) Len() int { return len(p.List) + p.More + p.Alike }

// Error writes one problem a line.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, problem := range p.List {
		lines[i] = problem.Error()
	}
	said := strings.Join(lines, "\n")
	if p.More > 0 {
		said += fmt.Sprintf("\nand %d more", p.More)
	}
	return said
}

// Err returns the list as an error, or nil where it is empty.
func (p *Problems) Err() error {
	if p.Len() == 0 {
		return nil
	}
	return p
}
