package nights

import (
	"fmt"
	"slices"

	"nightshift/internal/simulator"
)

// constellation is what goes wrong at the provider at the same time. What is broken only by
// all of it comes too seldom where each fault is drawn by itself. A new one is a line here.
type constellation struct {
	name    string
	seconds [2]float64 // bounds of its time
	faults  []drawnFault
}

// lostAfterAccept are replies to requests that were accepted.
var lostAfterAccept = []drawnFault{
	{kind: simulator.FaultDropAfterAccept, most: 0.4},
	{kind: simulator.FaultErrorAfterAccept, most: 0.4},
}

// constellations are all of them. Lists that lie now and then hide nothing for long: empty and
// old ones are so each time here, for longer than the grace time.
var constellations = []constellation{
	{"lost replies, and lists that lag", [2]float64{30, 120}, beside(lostAfterAccept, drawnFault{kind: simulator.FaultListLag, most: 1, seconds: [2]float64{5, 25}})},
	{"lost replies, and empty lists", [2]float64{60, 180}, beside(lostAfterAccept, drawnFault{kind: simulator.FaultEmptyList, most: 1})},
	{"lost replies, and old lists", [2]float64{60, 180}, beside(lostAfterAccept, drawnFault{kind: simulator.FaultStaleList, most: 1, seconds: [2]float64{60, 120}})},
	{"refusals for limits of every kind that passes by itself", [2]float64{30, 120}, []drawnFault{
		{kind: simulator.FaultCooldown, most: 0.15, seconds: [2]float64{60, 240}},
		{kind: simulator.FaultParallelLimit, most: 0.15},
		{kind: simulator.FaultRateLimit, most: 0.1},
	}},
}

func beside(faults []drawnFault, more ...drawnFault) []drawnFault { return slices.Concat(faults, more) }

// meet lets all faults of a constellation befall the night for the same time, each as often
// as it may.
func (n *drawnNight) meet(c constellation) {
	n.t.Helper()
	faults := make([]simulator.Fault, len(c.faults))
	for i, d := range c.faults {
		faults[i] = simulator.Fault{Kind: d.kind, Rate: d.most, Seed: n.random.Uint64(), Seconds: d.seconds[0] + n.random.Float64()*(d.seconds[1]-d.seconds[0])}
	}
	n.diary.note("night", "%s: %s", c.name, fmt.Sprint(faults))
	n.setFaults(func(all map[simulator.FaultKind]simulator.Fault) {
		for _, fault := range faults {
			all[fault.Kind] = fault
		}
	})
	n.later(n.seconds(c.seconds[0], c.seconds[1]), func() {
		n.setFaults(func(all map[simulator.FaultKind]simulator.Fault) {
			for _, fault := range faults {
				delete(all, fault.Kind)
			}
		})
	})
}
