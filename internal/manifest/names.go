package manifest

import (
	"fmt"
	"hash/maphash"

	"nightshift/internal/document"
)

// maxSuspects bounds what the second pass keeps; there are more collisions
// than anybody reads long before.
const maxSuspects = 10_000

// Names finds output names that would overwrite each other in a batch of any
// size. A first pass adds every name and keeps eight bytes of each; if that
// leaves suspects, a second pass confirms every name again, in the same order,
// and tells true collisions from equal hashes.
//
// Two names collide when they differ at most in case, in Unicode form or in
// their image extension, since the API decides the format; and when one is a
// folder of the other.
type Names struct {
	seed     maphash.Seed
	files    hashSet
	folders  hashSet
	suspects map[uint64][]*claim
}

// claim is the first user of a suspect name in the second pass.
type claim struct {
	folded string
	folder bool
	name   string
	place  document.Place
}

// NewNames returns an empty set.
func NewNames() *Names {
	return &Names{seed: maphash.MakeSeed(), suspects: map[uint64][]*claim{}}
}

// Add notes a name in the first pass.
func (n *Names) Add(name string) {
	for folded, folder := range claims(name) {
		hash := hashOf(n, folded)
		if n.note(hash, folder) && len(n.suspects) < maxSuspects {
			n.suspects[hash] = nil
		}
	}
}

// note adds a hash and reports whether somebody else may hold the same name.
func (n *Names) note(hash uint64, folder bool) bool {
	if folder {
		n.folders.add(hash)
		return n.files.has(hash)
	}
	return !n.files.add(hash) || n.folders.has(hash)
}

// Suspects is how many names may collide. With 0 there is no collision and no
// second pass is needed.
func (n *Names) Suspects() int { return len(n.suspects) }

// Confirm looks at a name in the second pass and returns the problem if it
// collides with one confirmed before, or nil.
func (n *Names) Confirm(name string, place document.Place) *document.Problem {
	for folded, folder := range claims(name) {
		hash := hashOf(n, folded)
		held, suspect := n.suspects[hash]
		if !suspect {
			continue
		}
		mine := &claim{folded: folded, folder: folder, name: name, place: place}
		if other := rival(held, mine); other != nil {
			return collision(mine, other)
		}
		n.suspects[hash] = append(held, mine)
	}
	return nil
}

// rival returns the claim that mine collides with; two folders never do.
func rival(held []*claim, mine *claim) *claim {
	for _, other := range held {
		if other.folded == mine.folded && !(other.folder && mine.folder) {
			return other
		}
	}
	return nil
}

func collision(mine, other *claim) *document.Problem {
	problem := &document.Problem{
		Place:      mine.place,
		Message:    fmt.Sprintf("output %q is also written by %s", mine.name, other.place),
		Suggestion: "make the names differ, with a variable, {id}, {n} or {hash8}",
	}
	switch {
	case mine.folder != other.folder:
		problem.Message = fmt.Sprintf("output %q and output %q of %s need the same name as file and as folder",
			mine.name, other.name, other.place)
	case mine.name != other.name:
		problem.Message = fmt.Sprintf("output %q would overwrite %q of %s on some systems", mine.name, other.name, other.place)
	}
	return problem
}

// claims yields the folded name itself and those of its folders that could be
// the name of a file. A file always ends in an image extension, so other
// folders cannot get in its way.
func claims(name string) func(yield func(folded string, folder bool) bool) {
	return func(yield func(string, bool) bool) {
		folded := foldName(name)
		if !yield(trimExtension(folded), false) {
			return
		}
		for at, r := range folded {
			if r != '/' {
				continue
			}
			if folder := folded[:at]; trimExtension(folder) != folder && !yield(trimExtension(folder), true) {
				return
			}
		}
	}
}

func hashOf(n *Names, folded string) uint64 { return maphash.String(n.seed, folded) }
