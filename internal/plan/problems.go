package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/manifest"
	"nightshift/internal/text"
)

const (
	// samePlaces is how many places of one and the same message are listed.
	samePlaces = 5
	// maxMessages bounds the messages that are told apart; further ones are only
	// counted, so that a million bad rows need no memory.
	maxMessages = 1000
)

// problems collects what is wrong, each message with its first few places.
type problems struct {
	byMessage map[string]*repeated
	order     []*repeated
	uncounted int // beyond maxMessages
}

type repeated struct {
	first []*document.Problem
	rows  []int // that have the problem at each of those places
	more  int   // further rows, at other places
}

// addError takes a row's error: a problem is collected, anything else comes back.
func (p *problems) addError(err error) error {
	if problem, ok := errors.AsType[*document.Problem](err); ok {
		p.add(problem)
		return nil
	}
	if several, ok := errors.AsType[*document.Problems](err); ok {
		for _, problem := range several.List {
			p.add(problem)
		}
		p.uncounted += several.More
		return nil
	}
	return err
}

func (p *problems) addFinding(row *manifest.Row, f finding) {
	place := row.Place
	if f.field != "" {
		place = row.Places(givenAs(row, f.field))
	}
	if f.place != (document.Place{}) {
		place = f.place
	}
	p.add(&document.Problem{Place: place, Message: f.message, Suggestion: f.suggestion})
}

// givenAs is the field by which a row gives a parameter: pictures stand under images.
func givenAs(row *manifest.Row, field string) string {
	name, parameter := strings.CutPrefix(field, fieldParameter)
	if parameter && slices.ContainsFunc(row.Images, func(in manifest.ImageInput) bool { return in.Name == name }) {
		return fieldImage + name
	}
	return field
}

func (p *problems) add(problem *document.Problem) {
	same := p.byMessage[problem.Message]
	if same == nil {
		if len(p.order) == maxMessages {
			p.uncounted++
			return
		}
		same = &repeated{}
		if p.byMessage == nil {
			p.byMessage = make(map[string]*repeated)
		}
		p.byMessage[problem.Message] = same
		p.order = append(p.order, same)
	}
	at := slices.IndexFunc(same.first, func(known *document.Problem) bool { return known.Place == problem.Place })
	switch {
	case at >= 0:
		same.rows[at]++
	case len(same.first) < samePlaces:
		same.first = append(same.first, problem)
		same.rows = append(same.rows, 1)
	default:
		same.more++
	}
}

// told are the listed problems of the message, which say how many rows they are
// about where those are not one each.
func (r *repeated) told() []*document.Problem {
	told := slices.Clone(r.first)
	for i, problem := range r.first {
		var about []string
		if r.rows[i] > 1 {
			about = append(about, "in "+text.Count(r.rows[i], "row"))
		}
		if i == len(r.first)-1 && r.more > 0 {
			about = append(about, "and so on in "+text.Count(r.more, "more row"))
		}
		if len(about) > 0 {
			told[i] = &document.Problem{
				Place: problem.Place, Suggestion: problem.Suggestion,
				Message: fmt.Sprintf("%s (%s)", problem.Message, strings.Join(about, ", ")),
			}
		}
	}
	return told
}

// err returns everything that was found as a *document.Problems; nil where nothing was.
func (p *problems) err() error { return p.listed().Err() }

// listed is everything that was found, in the order of the file.
func (p *problems) listed() *document.Problems {
	var all []*document.Problem
	listed := &document.Problems{More: p.uncounted}
	for _, same := range p.order {
		all = append(all, same.told()...)
		listed.Alike += same.more
	}
	slices.SortStableFunc(all, func(a, b *document.Problem) int {
		return cmp.Or(a.Place.Compare(b.Place), cmp.Compare(a.Message, b.Message))
	})
	for _, problem := range all {
		listed.Add(problem)
	}
	return listed
}
