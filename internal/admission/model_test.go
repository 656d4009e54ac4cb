package admission

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"nightshift/internal/job"
)

// model is what admission is meant to be, without Redis: grants and bills, and
// totals that are counted anew each time.
type model struct {
	grants map[attemptRef]modelGrant
	bills  []modelBill
	now    time.Time
}

type attemptRef struct {
	job.Ref
	attempt int
}

type modelGrant struct {
	state   string // held, freed, settled, released
	in      Account
	amount  job.CU
	charged time.Time
	settled int64 // in which hour
}

type modelBill struct {
	in      Account
	batch   string
	charged time.Time
	spent   job.CU
}

func (g modelGrant) live() bool { return g.state == "held" || g.state == "freed" }

// scoped tells what belongs to a scope.
type scoped func(in Account, batch string) bool

func (m *model) scopes(c Account, batch string) [4]scoped {
	return [4]scoped{
		func(in Account, _ string) bool { return in.APIKey == c.APIKey },
		func(in Account, _ string) bool { return in.Project == c.Project },
		func(in Account, _ string) bool { return in.Team == c.Team },
		func(_ Account, of string) bool { return of == batch },
	}
}

func (m *model) reserved(of scoped) (sum job.CU) {
	for name, g := range m.grants {
		if g.live() && of(g.in, name.Batch) {
			sum += g.amount
		}
	}
	return sum
}

func (m *model) running(of scoped) (n int) {
	for name, g := range m.grants {
		if g.state == "held" && of(g.in, name.Batch) {
			n++
		}
	}
	return n
}

func (m *model) spent(of scoped, since time.Time) (sum job.CU) {
	for _, b := range m.bills {
		if of(b.in, b.batch) && !b.charged.Before(since) {
			sum += b.spent
		}
	}
	return sum
}

func (m *model) scopeUsage(of scoped, l Limits) ScopeUsage {
	return ScopeUsage{
		Reserved: m.reserved(of), Spent: m.spent(of, time.Time{}),
		SpentToday: m.spent(of, l.Days[1]), SpentThis: m.spent(of, l.Months[1]),
		DayEnds: l.Days[2], MonthEnds: l.Months[2],
	}
}

func (m *model) usage(c keyed, batch string, ofBatch Limits) used {
	of := m.scopes(c.Account, batch)
	u := used{
		Key: m.scopeUsage(of[0], c.Key), Project: m.scopeUsage(of[1], c.Project),
		Team: m.scopeUsage(of[2], c.Team), Batch: m.scopeUsage(of[3], ofBatch),
	}
	u.Key.RequestsLeft, u.Project.RequestsLeft = -1, -1
	u.Key.Running, u.Key.Ceiling = m.running(of[0]), c.Key.Parallel
	u.Team.Running, u.Team.Ceiling = m.running(of[2]), c.Team.Parallel
	return u
}

// fits reports whether an amount is within the caps and slots of a candidate.
func (m *model) fits(c keyed, batch string, ofBatch Limits, amount job.CU) bool {
	u := m.usage(c, batch, ofBatch)
	for i, s := range []ScopeUsage{u.Key, u.Project, u.Team, u.Batch} {
		caps := []Limits{c.Key, c.Project, c.Team, ofBatch}[i].CU
		for limit, spent := range map[*job.CU]job.CU{caps.Total: s.Spent, caps.Day: s.SpentToday, caps.Month: s.SpentThis} {
			if limit != nil && spent+s.Reserved+amount > *limit {
				return false
			}
		}
	}
	return u.Key.Running < c.Key.Parallel && u.Team.Running < c.Team.Parallel
}

// reserve answers what Reserve must: "granted <key>", "again <key>", "elsewhere
// <key>", "settled" or "wait".
func (m *model) reserve(c Claim) string {
	name := attemptRef{c.Ref, c.Attempt}
	g := m.grants[name]
	switch {
	case g.state == "settled":
		return "settled"
	case g.live() && !slices.ContainsFunc(c.Candidates, func(c Candidate) bool { return keyedOf(c).Account == g.in }):
		return "elsewhere " + g.in.APIKey
	case g.live():
		if g.state == "held" {
			g.charged = m.now
			m.grants[name] = g
		}
		return "again " + g.in.APIKey
	}
	best, least := -1, job.CU(0)
	for i, scopes := range c.Candidates {
		candidate := keyedOf(scopes)
		of := m.scopes(candidate.Account, c.Ref.Batch)[0]
		used := m.spent(of, candidate.Key.Days[1]) + m.reserved(of)
		if m.fits(candidate, c.Ref.Batch, c.Batch, c.Amount) && (best < 0 || used < least) {
			best, least = i, used
		}
	}
	if best < 0 {
		return "wait"
	}
	in := keyedOf(c.Candidates[best]).Account
	m.grants[name] = modelGrant{state: "held", in: in, amount: c.Amount, charged: m.now}
	return "granted " + in.APIKey
}

func (m *model) adopt(name attemptRef, in Account, amount job.CU, charged time.Time) {
	if charged.IsZero() {
		charged = m.now
	}
	if g := m.grants[name]; !g.live() && g.state != "settled" {
		m.grants[name] = modelGrant{state: "held", in: in, amount: amount, charged: charged}
	}
}

func (m *model) free(name attemptRef) {
	if g := m.grants[name]; g.state == "held" {
		g.state = "freed"
		m.grants[name] = g
	}
}

// end settles or releases a live grant and reports whether it was one.
func (m *model) end(name attemptRef, state string, spent job.CU) bool {
	g := m.grants[name]
	if !g.live() {
		return false
	}
	g.state = state
	if state == "settled" {
		g.settled = m.now.Unix() / 3600
		m.bills = append(m.bills, modelBill{g.in, name.Batch, g.charged, spent})
		m.forget(g.settled)
	}
	m.grants[name] = g
	return true
}

// forget drops what was settled two hours before this one, or four.
func (m *model) forget(hour int64) {
	maps.DeleteFunc(m.grants, func(_ attemptRef, g modelGrant) bool {
		return g.state == "settled" && g.settled < hour && (hour-g.settled)%2 == 0
	})
}

// restore is what a new epoch knows: bills, and what is open.
func (m *model) restore() {
	for name, g := range maps.Clone(m.grants) {
		if !g.live() {
			delete(m.grants, name)
			continue
		}
		g.state = "held"
		m.grants[name] = g
	}
}

// slices sums the bills up as a batch's fold does.
func (m *model) slices() map[job.Slice]job.CU {
	sums := map[job.Slice]job.CU{}
	for _, b := range m.bills {
		quarter := b.charged.UTC().Truncate(15 * time.Minute)
		sums[job.Slice{APIKey: b.in.APIKey, Project: b.in.Project, Team: b.in.Team, Batch: b.batch, Quarter: quarter}] += b.spent
	}
	maps.DeleteFunc(sums, func(_ job.Slice, spent job.CU) bool { return spent == 0 })
	return sums
}

// open names what is held, with its amount and key.
func (m *model) open() map[string]job.CU {
	open := map[string]job.CU{}
	for name, g := range m.grants {
		if g.live() {
			open[name.String()+" "+strconv.Itoa(name.attempt)+" "+g.in.APIKey] = g.amount
		}
	}
	return open
}
