package manifest

import (
	"hash/fnv"
	"iter"
	"slices"

	"nightshift/internal/document"
)

// maxCombinations bounds the combinations of the axes of one item.
const maxCombinations = 1_000_000_000

// betweenStops is how many combinations are looked at before it is asked whether
// anybody still waits.
const betweenStops = 1024

// grid is every combination of the axes. It is counted through and never built.
type grid struct {
	axes     []*axis // those of the product in their order, then the zipped ones
	crossed  int     // how many of the axes are of the product
	zipped   int     // length of the zipped lists; 1 where there are none
	total    int
	sampled  int // combinations drawn for each item; 0 takes all
	seed     int64
	excludes []*rule
	includes []*extra
}

// rule is an entry of exclude: combinations that are left out.
type rule struct {
	place document.Place
	ids   map[string]bool      // nil for every item
	axes  map[int]map[int]bool // values by their index, of the axes that it names
}

// extra is an entry of include: one more combination.
type extra struct {
	place   document.Place
	ids     map[string]bool // nil for every item
	choices []*choice
	index   int // of the same combination in the grid, or -1
}

// combination is one value of each axis.
type combination []*choice

// spread writes the indices of the values of combination number i.
func (g *grid) spread(i int, indices []int) {
	if g.crossed < len(g.axes) {
		row := i % g.zipped
		i /= g.zipped
		for a := g.crossed; a < len(g.axes); a++ {
			indices[a] = row
		}
	}
	for a := g.crossed - 1; a >= 0; a-- {
		indices[a] = i % g.axes[a].count
		i /= g.axes[a].count
	}
}

// number is the inverse of spread, or -1 if the zipped values do not stand in
// one row or a value is not in its axis.
func (g *grid) number(indices []int) int {
	i := 0
	for a := range g.axes {
		switch {
		case indices[a] < 0:
			return -1
		case a < g.crossed:
			i = i*g.axes[a].count + indices[a]
		case a == g.crossed:
			i = i*g.zipped + indices[a]
		case indices[a] != indices[g.crossed]:
			return -1
		}
	}
	return i
}

// excluded reports whether a rule leaves the combination out for the item.
func (g *grid) excluded(id string, indices []int) bool {
	return slices.ContainsFunc(g.excludes, func(r *rule) bool { return r.matches(id, indices) })
}

func (r *rule) matches(id string, indices []int) bool {
	if r.ids != nil && !r.ids[id] {
		return false
	}
	for a, allowed := range r.axes {
		if !allowed[indices[a]] {
			return false
		}
	}
	return true
}

// of yields the combinations of one item: those of the grid, or as many of them
// as are to be drawn, then those that are included. What it yields is
// overwritten by the next. It ends early once stopped says so.
func (g *grid) of(id string, stopped func() bool) iter.Seq[combination] {
	return func(yield func(combination) bool) {
		indices := make([]int, len(g.axes))
		chosen := make(combination, len(g.axes))
		there := make([]bool, len(g.includes))
		for i := range g.order(id, stopped) {
			g.spread(i, indices)
			if len(g.excludes) > 0 && g.excluded(id, indices) {
				continue
			}
			for e, extra := range g.includes {
				there[e] = there[e] || extra.index == i
			}
			for a, axis := range g.axes {
				chosen[a] = axis.at(indices[a])
			}
			if !yield(chosen) {
				return
			}
		}
		for e, extra := range g.includes {
			if !there[e] && (extra.ids == nil || extra.ids[id]) && !yield(extra.choices) {
				return
			}
		}
	}
}

// order yields the numbers of the combinations to take: all in their order, or
// the first so many of a shuffled order that are not excluded.
func (g *grid) order(id string, stopped func() bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		if g.sampled == 0 || g.sampled >= g.total {
			for i := range g.total {
				if i%betweenStops == 0 && stopped() || !yield(i) {
					return
				}
			}
			return
		}
		indices := make([]int, len(g.axes))
		left, tried := g.sampled, 0
		for i := range shuffled(g.total, g.drawKey(id)) {
			if tried++; tried%betweenStops == 0 && stopped() {
				return
			}
			g.spread(i, indices)
			if g.excluded(id, indices) {
				continue
			}
			if !yield(i) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// drawKey gives each item a draw of its own, so that items that come or go
// change nothing for the others.
func (g *grid) drawKey(id string) uint64 {
	hash := fnv.New64a()
	// Writing to a hash never fails.
	_, _ = hash.Write([]byte(id))
	return mix(hash.Sum64() ^ mix(uint64(g.seed)))
}

// axis returns the axis of this name, or nil.
func (g *grid) axis(name string) *axis {
	if i := g.find(name); i >= 0 {
		return g.axes[i]
	}
	return nil
}

func (g *grid) find(name string) int {
	return slices.IndexFunc(g.axes, func(a *axis) bool { return a.name == name })
}

// names are those of the axes.
func (g *grid) names() []string {
	names := make([]string, len(g.axes))
	for i, a := range g.axes {
		names[i] = a.name
	}
	return names
}
