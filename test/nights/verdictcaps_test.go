package nights

import (
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// keyCaps are the caps of a key from a moment on; 0 for none.
type keyCaps struct {
	at         time.Time
	total, day job.CU
}

// How long the caps of before may count: until the keys file is read again, and until a
// request is sent that was granted before. A worker that stands still or waits for the
// bucket may be long about it.
const (
	takenOverSoon = 20 * time.Second
	takenOverLate = 4 * time.Minute
)

// lag is how long the caps of before may count in this night.
func (n *drawnNight) lag() time.Duration {
	if len(n.script.events) == 0 {
		return takenOverSoon
	}
	return takenOverLate
}

// judgeCaps: at no entry of the ledger had a batch or a key spent more than it may. What
// the provider bills above its quote is its own doing.
func (n *drawnNight) judgeCaps(ledger []simulator.Entry) {
	n.t.Helper()
	for _, b := range n.batches {
		if b.drawn.budget == 0 {
			continue
		}
		ours := make(map[string]bool)
		for _, j := range b.asked {
			ours[content(j.Model, j.Inputs)] = true
		}
		n.judgeCap("budget of "+b.drawn.name, ledger, func(e simulator.Entry) bool { return ours[content(e.Model, e.Input)] },
			func(simulator.Entry) job.CU { return b.drawn.budget })
	}
	for _, k := range n.script.keys {
		name := k.Key.Key
		n.judgeCap("cap of key "+name, ledger, func(e simulator.Entry) bool { return e.Key == name },
			func(at simulator.Entry) job.CU {
				return n.most(name, at.Accepted, func(c keyCaps) job.CU { return c.total })
			})
		n.judgeDays(name, ledger)
	}
}

// judgeDays holds each day of a key against its cap. What was granted before midnight may be
// accepted soon after it, and counts for the day before.
func (n *drawnNight) judgeDays(key string, ledger []simulator.Entry) {
	n.t.Helper()
	days := make(map[time.Time]bool)
	for _, e := range ledger {
		days[e.Accepted.UTC().Truncate(24*time.Hour)] = true
	}
	for day := range days {
		n.judgeCap("cap of key "+key+" on "+day.Format(time.DateOnly), ledger, func(e simulator.Entry) bool {
			from, to := day, day.Add(24*time.Hour)
			if n.began.Before(day) {
				from = day.Add(n.lag())
			}
			return e.Key == key && !e.Accepted.Before(from) && e.Accepted.Before(to)
		}, func(at simulator.Entry) job.CU {
			return n.most(key, at.Accepted, func(c keyCaps) job.CU { return c.day })
		})
	}
}

// most is the highest cap of a key that may have counted at a moment; 0 for none.
func (n *drawnNight) most(key string, at time.Time, of func(keyCaps) job.CU) job.CU {
	highest := job.CU(0)
	notes := n.capNotes[key]
	for i, note := range notes {
		over := i+1 < len(notes) && notes[i+1].at.Before(at.Add(-n.lag()))
		if over || note.at.After(at) {
			continue
		}
		if of(note) == 0 {
			return 0
		}
		highest = max(highest, of(note))
	}
	return highest
}

// judgeCap holds the entries of a cap against it, each when it was accepted.
func (n *drawnNight) judgeCap(name string, ledger []simulator.Entry, of func(simulator.Entry) bool, most func(simulator.Entry) job.CU) {
	n.t.Helper()
	counted := slices.DeleteFunc(slices.Clone(ledger), func(e simulator.Entry) bool { return !of(e) })
	for _, at := range counted {
		if most(at) == 0 {
			continue
		}
		sum, drift := at.Quoted, job.CU(0)
		for _, e := range counted {
			if !e.Accepted.Before(at.Accepted) {
				break // they are in the order of acceptance
			}
			sum += e.Charge
			drift += max(0, e.Charge-e.Quoted)
			if !e.Ended.IsZero() && e.Ended.Before(at.Accepted) {
				sum -= e.Refund
			}
		}
		if sum-drift > most(at) {
			n.fail("no cap is passed", n.asker(at), "%s: with %s %s CU are out, it is %s CU", name, at.JobID, sum, most(at))
			return
		}
	}
}
