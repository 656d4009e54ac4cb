package nights

import (
	"hash/fnv"
	"math/rand/v2"

	"nightshift/internal/simulator"
)

// capability is something that the program can do, and all that nights need to show it: what
// is drawn, what it does in the night, and what is judged. It is added in one file, which
// registers it; see drawnwindows_test.go.
type capability struct {
	name string
	// counts are what it counts of a night besides its name: each has to happen in some
	// night of the long set.
	counts []string
	// draw adds what is drawn of it to a script, from numbers of its own: what the other
	// capabilities draw stays as it is. It returns nil where the night goes without it.
	draw func(r *rand.Rand, s *script) *part
}

// part is a capability in one night. All functions may be nil.
type part struct {
	name string
	// tells is what the night's story says of it.
	tells string
	// begin is called before the first worker starts.
	begin func(n *drawnNight)
	// calm is called when the night becomes calm, before batches are submitted again.
	calm func(n *drawnNight)
	// judge holds the night that is over against what the capability promises.
	judge func(n *drawnNight, ledger []simulator.Entry)
}

var capabilities []capability

// register adds a capability to what is drawn.
func register(c capability) bool {
	capabilities = append(capabilities, c)
	return true
}

// drawParts draws what the capabilities add to a night.
func (s *script) drawParts() {
	for _, c := range capabilities {
		name := fnv.New64a()
		_, _ = name.Write([]byte(c.name)) // a hash takes all
		if p := c.draw(rand.New(rand.NewPCG(s.seed, name.Sum64())), s); p != nil {
			p.name = c.name
			s.parts = append(s.parts, p)
			strikes.add("with: " + c.name)
		}
	}
}

// eachPart calls a function of the parts of the night.
func (n *drawnNight) eachPart(of func(p *part) func(n *drawnNight)) {
	for _, p := range n.script.parts {
		if do := of(p); do != nil {
			do(n)
		}
	}
}
