package report

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"nightshift/internal/job"
)

const (
	// facetValues is how many values a variable may have to be offered as a
	// filter; one with more is a text to search for.
	facetValues = 24
	facetLength = 64   // bytes of a value; longer ones are texts too
	facetNames  = 12   // variables followed at a time
	facetTried  = 1000 // variables looked at in all
	// modelFacet is the model, offered where a batch uses several.
	modelFacet = "model"
)

// facet is a variable with few values, by which entries can be chosen.
type facet struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
	// of has a character for each entry: its value's number in base 36, counted
	// from 1; 0 for an entry without one. It is a column, in a file of its own.
	of []byte
}

const facetDigits = "0123456789abcdefghijklmnopqrstuvwxyz"

// facetMaker finds the variables with few values while entries pass by.
type facetMaker struct {
	live  map[string]*facetColumn
	tried map[string]bool // every name that was ever live
}

type facetColumn struct {
	values []string
	of     []byte
}

func (m *facetMaker) add(r *job.Result, place int) {
	if m.live == nil {
		m.live, m.tried = map[string]*facetColumn{}, map[string]bool{}
	}
	m.note(modelFacet, r.Model, place)
	for _, name := range slices.Sorted(maps.Keys(r.Variables)) {
		if name != modelFacet {
			m.note(name, r.Variables[name], place)
		}
	}
}

func (m *facetMaker) note(name, value string, place int) {
	column := m.column(name)
	if column == nil || value == "" {
		return
	}
	number := slices.Index(column.values, value)
	if number < 0 {
		if len(column.values) == facetValues || len(value) > facetLength {
			delete(m.live, name)
			return
		}
		number = len(column.values)
		column.values = append(column.values, value)
	}
	column.pad(place)
	column.of = append(column.of, facetDigits[number+1])
}

// column returns the name's column, or nil where the name is not followed.
func (m *facetMaker) column(name string) *facetColumn {
	if column := m.live[name]; column != nil || m.tried[name] {
		return column
	}
	if len(m.live) >= facetNames || len(m.tried) >= facetTried {
		return nil
	}
	m.tried[name] = true
	m.live[name] = &facetColumn{}
	return m.live[name]
}

func (c *facetColumn) pad(length int) {
	if missing := length - len(c.of); missing > 0 {
		c.of = append(c.of, bytes.Repeat([]byte{'0'}, missing)...)
	}
}

// facets returns those variables that tell entries apart, fewest values first.
func (m *facetMaker) facets(entries int) []facet {
	list := []facet{}
	for _, name := range slices.Sorted(maps.Keys(m.live)) {
		column := m.live[name]
		if len(column.values) < 2 {
			continue
		}
		column.pad(entries)
		list = append(list, facet{Name: name, Values: column.values, of: column.of})
	}
	slices.SortStableFunc(list, func(a, b facet) int { return cmp.Compare(len(a.Values), len(b.Values)) })
	return list
}
