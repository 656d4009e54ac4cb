package nights

import (
	"math/rand/v2"
	"time"

	"nightshift/internal/simulator"
)

// Lists that hide: what lost replies have started is in no list of inferences for so long that
// the list of assets is asked in their place, and that is empty, too, now and then. Of faults
// that come each by itself neither lasts long enough.
var _ = register(capability{name: "lists that hide", counts: []string{nothingShown}, draw: drawLists})

const nothingShown = "no list shows what was lost"

func drawLists(r *rand.Rand, s *script) *part {
	if r.IntN(8) > 0 {
		return nil
	}
	hidden := constellation{"lost replies, and no list that shows them", [2]float64{float64(hiddenLeast / time.Second), float64(hiddenMost / time.Second)}, beside(lostAfterAccept,
		drawnFault{kind: simulator.FaultEmptyList, most: 1}, drawnFault{kind: simulator.FaultEmptyAssets, most: 0.2 + 0.8*r.Float64()})}
	at := s.batches[0].at + within(r, 30*time.Second)
	s.events = append(s.events, event{at: at, trouble: trouble{name: nothingShown, strike: func(n *drawnNight) { n.meet(hidden) }}})
	return &part{tells: "after " + at.String()}
}

// How long nothing is shown: other routes are asked about a lost reply after five grace times.
const (
	hiddenLeast = 6 * grace
	hiddenMost  = 9 * grace
)
