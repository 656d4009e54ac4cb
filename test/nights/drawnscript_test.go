package nights

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// script is what is drawn of a night before it begins: who works on what, under which
// limits, and what befalls them when. All of it follows from the seed.
type script struct {
	seed     uint64
	latency  simulator.Latency
	slowest  time.Duration // inference
	parallel int           // by team
	requests int           // a minute, by project
	skew     time.Duration
	keys     []drawnKey
	others   []simulator.Key // of other programs
	batches  []drawnBatch
	workers  int
	length   time.Duration // of the time in which things befall it
	events   []event
	begins   time.Duration // after midnight, UTC
	parts    []*part       // of the capabilities that the night has
}

// width is how many jobs surely go on at a time: keys that have a cap may have no more.
func (s *script) width() int {
	teams := make(map[string]int)
	for _, k := range s.keys {
		if k.cap > 0 || k.day > 0 {
			continue
		}
		running := k.parallel
		if running == 0 {
			running = s.parallel
		}
		teams[k.Team] = min(s.parallel, teams[k.Team]+running)
	}
	width := 0
	for _, running := range teams {
		width += running
	}
	return max(width, 1)
}

// drawnKey is an API key, and what the keys file says of it.
type drawnKey struct {
	simulator.Key
	parallel int    // of the key, 0 for no limit
	cap      job.CU // likewise
	day      job.CU // cap of a day, likewise
}

// drawnBatch is a batch before it is submitted.
type drawnBatch struct {
	name     string
	shape    shape
	rows     int
	samples  int
	priority string
	budget   job.CU // 0 for none
	at       time.Duration
	byRun    bool              // by `enqueue run` in place of the fleet
	more     []string          // lines that capabilities add to the manifest
	files    map[string][]byte // in the folder of the manifest
}

// event is something that befalls the night.
type event struct {
	at      time.Duration
	trouble trouble
}

// shape is how the jobs of a batch look.
type shape struct {
	name  string
	price job.CU // of a row with one sample
	text  func(rows int) string
}

// long makes prompts so long that lists show an asset in their place.
const long = ", and around it everything that a patient hand can draw in one night by the light of a single candle"

// statedSeeds is the shape whose rows are of one image each.
const statedSeeds = "stated seeds"

// equalJobs is the shape whose requests are all the same.
const equalJobs = "no seeds, equal jobs"

// severalImages is the shape whose requests make several images.
const severalImages = "several images"

var shapes = []shape{
	{statedSeeds, etchingCU, func(rows int) string {
		return fmt.Sprintf("model: %s\nprompt: \"potion number {seed}\"\nitems: [{id: potion}]\naxes: {product: {seed: [\"1..%d\"]}}\noutput: \"{id}/{seed}-{n}.{ext}\"\n", etching, rows)
	}},
	{"drawn seeds", etchingCU, func(rows int) string {
		return fmt.Sprintf("model: %s\nprompt: \"potion of kind {kind}\"\nitems: [{id: potion}]\naxes: {product: {kind: [%s]}}\noutput: \"{id}/{kind}-{n}.{ext}\"\n", etching, upTo(rows))
	}},
	{"drawn seeds, long prompts", etchingCU, func(rows int) string {
		return fmt.Sprintf("model: %s\nprompt: \"potion of kind {kind}%s\"\nitems: [{id: potion}]\naxes: {product: {kind: [%s]}}\noutput: \"{id}/{kind}-{n}.{ext}\"\n", etching, long, upTo(rows))
	}},
	{"no seeds", woodcutCU, func(rows int) string {
		return fmt.Sprintf("model: %s\nprompt: \"potion of kind {kind}\"\nitems: [{id: potion}]\naxes: {product: {kind: [%s]}}\noutput: \"{id}/{kind}-{n}.{ext}\"\n", woodcut, upTo(rows))
	}},
	{equalJobs, woodcutCU, func(rows int) string {
		return fmt.Sprintf("model: %s\nprompt: \"potion\"\nitems: [{id: potion}]\naxes: {product: {copy: [%s]}}\noutput: \"{id}/{copy}-{n}.{ext}\"\n", woodcut, upTo(rows))
	}},
	{severalImages, friezeCU, func(rows int) string {
		return fmt.Sprintf("model: %s\nprompt: \"frieze of kind {kind}\"\nitems: [{id: frieze}]\naxes: {product: {kind: [%s]}}\noutput: \"{id}/{kind}-{n}.{ext}\"\n", frieze, upTo(rows))
	}},
}

// manifest is the text of a batch's manifest.
func (b drawnBatch) manifest() string {
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nname: %s\n%s", b.name, strings.NewReplacer("potion", b.name, "frieze of", b.name+" of").Replace(b.shape.text(b.rows)))
	if b.samples > 1 {
		fmt.Fprintf(&text, "samples: %d\n", b.samples)
	}
	if b.priority != "" {
		fmt.Fprintf(&text, "priority: %s\n", b.priority)
	}
	if b.budget > 0 {
		fmt.Fprintf(&text, "budget: {cu: %s}\non_budget: fail\n", b.budget)
	}
	for _, line := range b.more {
		fmt.Fprintln(&text, line)
	}
	return text.String()
}

// draw draws a night.
func draw(seed uint64) script {
	r := rand.New(rand.NewPCG(seed, 1))
	s := script{seed: seed}
	fast := time.Duration(1+r.IntN(20)) * time.Second
	s.slowest = fast + time.Duration(r.IntN(20))*time.Second
	s.latency = simulator.Between(fast, s.slowest)
	s.parallel = 2 + r.IntN(20)
	s.requests = 60 + r.IntN(600)
	if r.IntN(3) == 0 {
		s.skew = time.Duration(r.IntN(400)-100) * time.Second
	}
	s.keys = drawKeys(r)
	for i := range 1 + r.IntN(3) {
		s.batches = append(s.batches, drawBatch(r, i))
	}
	s.workers = 1 + r.IntN(3)
	s.length = time.Duration(40+r.IntN(200)) * time.Second
	for range r.IntN(14) {
		s.events = append(s.events, event{at: within(r, s.length), trouble: drawTrouble(r)})
	}
	if rand.New(rand.NewPCG(seed, 6)).IntN(16) == 0 {
		s.hush()
	} else {
		s.drawParts()
	}
	slices.SortStableFunc(s.events, func(a, b event) int { return int(a.at - b.at) })
	return s
}

func within(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

func drawKeys(r *rand.Rand) []drawnKey {
	var keys []drawnKey
	for i := range 1 + r.IntN(4) {
		project := fmt.Sprint("proj_", 1+r.IntN(i+1))
		team := "team_" + strings.TrimPrefix(project, "proj_") // a project is of one team
		k := drawnKey{Key: keyOf(string(rune('a'+i)), project, team)}
		if r.IntN(3) == 0 {
			k.parallel = 1 + r.IntN(8)
		}
		if i > 0 && r.IntN(3) == 0 {
			k.cap = job.CU(5+r.IntN(60)) * job.OneCU
		}
		keys = append(keys, k)
	}
	return keys
}

func drawBatch(r *rand.Rand, i int) drawnBatch {
	b := drawnBatch{name: fmt.Sprint("batch", i+1), shape: shapes[r.IntN(len(shapes))], rows: 1 + r.IntN(60), samples: 1, at: within(r, 30*time.Second)}
	switch {
	case b.shape.name == severalImages:
		b.samples = 1 + r.IntN(6) // of which one request makes up to four
	case b.shape.name != statedSeeds && r.IntN(4) == 0:
		b.samples = 1 + r.IntN(3)
	}
	b.priority = []string{"", "", "urgent", "overnight"}[r.IntN(4)]
	if r.IntN(4) == 0 { // enough, unless a part of it is paid again
		b.budget = b.shape.price * job.CU(b.rows*b.samples) * job.CU(8+r.IntN(8)) / 8
	}
	return b
}

// hush takes away what befalls the night, and lets inferences take about the same time each:
// how long some hundred take whose times differ widely, nobody can tell to a tenth.
func (s *script) hush() {
	s.events = nil
	s.latency = simulator.Between(s.slowest*5/6, s.slowest)
	for i := range s.keys {
		s.keys[i].cap = 0
	}
}

// quiet reports whether nothing befalls the night and nothing but the provider's limits holds
// it up, so that the forecast must be right.
func (s script) quiet() bool {
	capped := slices.ContainsFunc(s.keys, func(k drawnKey) bool { return k.cap > 0 || k.day > 0 })
	return len(s.events) == 0 && len(s.parts) == 0 && !capped
}

// String tells a night.
func (s script) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d: %d workers; inferences of %s, %d at a time in a team; %d requests a minute; the API's clock %s ahead\n",
		s.seed, s.workers, s.latency, s.parallel, s.requests, s.skew)
	for _, k := range s.keys {
		fmt.Fprintf(&text, "  key %s of %s, %s: parallel %d, cap %s CU, %s CU a day\n", k.Key.Key, k.Project, k.Team, k.parallel, k.cap, k.day)
	}
	for _, b := range s.batches {
		fmt.Fprintf(&text, "  %s: %d rows x %d, %s, priority %q, budget %s CU, submitted after %s\n", b.name, b.rows, b.samples, b.shape.name, b.priority, b.budget, b.at)
	}
	for _, p := range s.parts {
		fmt.Fprintf(&text, "  %s: %s\n", p.name, p.tells)
	}
	for _, e := range s.events {
		fmt.Fprintf(&text, "  after %s: %s\n", e.at, e.trouble.name)
	}
	return text.String()
}
