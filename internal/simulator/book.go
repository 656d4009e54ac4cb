package simulator

import (
	"container/heap"
	"math/rand/v2"
	"sync"
	"time"

	"nightshift/internal/job"
)

// book is all that the simulator remembers: runs, what was spent, and who called
// how often. Runs stay, because they are the ledger; images are not kept here.
type book struct {
	mu       sync.Mutex
	random   *rand.Rand
	runs     []*run // in the order of acceptance
	byID     map[string]*run
	assets   map[string]*asset
	uploads  []*upload // in the order in which they began
	tenants  map[tenant][]*run
	active   activeRuns
	teams    map[string]*team
	spent    map[string]job.CU // by key id, refunds taken off
	projects map[string]*requestWindow
	requests map[string]int64 // answered API calls by route
	limited  int64            // API calls refused for their rate
}

// team is what the limits of a team are counted on.
type team struct {
	running        int
	peak           int // of running
	spent          job.CU
	allowance      job.CU    // 0 is none
	cooldown       time.Time // launches are refused until then
	cooldownLength time.Duration
}

func newBook(options Options) *book {
	b := &book{
		random:   rand.New(rand.NewPCG(options.Seed, 1)),
		byID:     map[string]*run{},
		assets:   map[string]*asset{},
		tenants:  map[tenant][]*run{},
		teams:    map[string]*team{},
		spent:    map[string]job.CU{},
		projects: map[string]*requestWindow{},
		requests: map[string]int64{},
	}
	for _, key := range options.Keys {
		b.teams[key.Team] = &team{allowance: key.TeamAllowance}
		b.projects[key.Project] = &requestWindow{}
	}
	return b
}

// add records a run as accepted. The caller holds mu.
func (b *book) add(r *run) {
	b.runs = append(b.runs, r)
	for _, asset := range r.assets {
		b.assets[asset.id] = asset
	}
	b.list(r)
	team := b.teams[r.key.Team]
	team.running++
	team.peak = max(team.peak, team.running)
	team.spent += r.charge.total()
	b.spent[r.key.ID] += r.charge.total()
	heap.Push(&b.active, r)
}

// list shows a run to the keys of its tenant. The caller holds mu.
func (b *book) list(r *run) {
	b.byID[r.id] = r
	owner := r.key.tenant()
	r.number = len(b.tenants[owner])
	b.tenants[owner] = append(b.tenants[owner], r)
}

// settle frees the slots of runs that have ended and gives refunds back. The
// caller holds mu and calls it before it looks at limits or sums.
func (b *book) settle(now time.Time) {
	for len(b.active) > 0 && b.active[0].ended(now) {
		r := heap.Pop(&b.active).(*run)
		b.teams[r.key.Team].running--
		b.teams[r.key.Team].spent -= r.refund()
		b.spent[r.key.ID] -= r.refund()
	}
}

// find returns the run of this id if the key may see it.
func (b *book) find(id string, key *Key) *run {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.byID[id]
	if r == nil || r.key.tenant() != key.tenant() {
		return nil
	}
	return r
}

// findAsset returns the asset of this id if it exists by now and the key may see
// it.
func (b *book) findAsset(id string, key *Key, now time.Time) *asset {
	a := b.asset(id, now)
	if a == nil || a.owner.tenant() != key.tenant() {
		return nil
	}
	return a
}

// asset returns the asset of this id if it exists by now.
func (b *book) asset(id string, now time.Time) *asset {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.assets[id]
	if a == nil || !a.there(now) {
		return nil
	}
	return a
}

// ofTenant returns the runs that a key may see, oldest first. Runs are only ever
// appended, so the slice may be read without the lock.
func (b *book) ofTenant(key *Key) []*run {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tenants[key.tenant()]
}

// countRequest counts an API call of a project, and reports false where it is one
// too many within a minute.
func (b *book) countRequest(project, route string, perMinute int, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.projects[project].take(perMinute, now) {
		b.limited++
		return false
	}
	b.requests[route]++
	return true
}

// drawID makes an id in the API's form: a prefix and 24 letters and digits. The
// caller holds mu.
func (b *book) drawID(prefix string) string {
	id := []byte(prefix)
	for range 24 {
		id = append(id, idLetters[b.random.IntN(len(idLetters))])
	}
	return string(id)
}

// idLetters leaves out what people confuse.
const idLetters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// requestWindow holds the times of the calls of the last minute.
type requestWindow struct {
	times []time.Time
	peak  int // the most that one minute ever held
}

func (w *requestWindow) take(perMinute int, now time.Time) bool {
	old := 0
	for old < len(w.times) && now.Sub(w.times[old]) >= time.Minute {
		old++
	}
	w.times = w.times[old:]
	if perMinute != Unlimited && len(w.times) >= perMinute {
		return false
	}
	w.times = append(w.times, now)
	w.peak = max(w.peak, len(w.times))
	return true
}

// activeRuns is a heap of running runs, the next to end first.
type activeRuns []*run

func (a activeRuns) Len() int           { return len(a) }
func (a activeRuns) Less(i, j int) bool { return a[i].ends().Before(a[j].ends()) }
func (a activeRuns) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push is for package heap.
func (a *activeRuns) Push(r any) { *a = append(*a, r.(*run)) }

// Pop is for package heap.
func (a *activeRuns) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
