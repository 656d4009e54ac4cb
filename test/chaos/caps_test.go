package chaos

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// caps are those of the only API key. They are raised now and then to somewhat more
// than was spent, so that they bind again and again, and never lowered.
type caps struct {
	at         time.Time // since when they hold
	total, day job.CU
}

// endless is a cap that nobody reaches.
const endless = job.CU(1_000_000_000)

func (w *world) keysFile() string { return filepath.Join(w.dir, "keys.yaml") }

// writeCaps puts caps in force.
func (w *world) writeCaps(total, day job.CU) {
	text := fmt.Sprintf("version: 1\npools:\n  default:\n    - {id: sim, mode: test, url: \"http://%s/v1\", key: {env: CHAOS_KEY}, secret: {env: CHAOS_KEY}, "+
		"limits: {requests_per_minute: %d, cu: {total: %s, day: %s}}}\n", w.api.addr(), cmp.Or(w.limits.rate, 60000), total, day)
	next := w.keysFile() + ".next"
	w.caps = append(w.caps, caps{time.Now(), total, day}) // before anybody can read them
	err := os.WriteFile(next, []byte(text), 0o600)
	if err == nil {
		err = os.Rename(next, w.keysFile())
	}
	if err != nil {
		w.t.Fatalf("write the keys file: %v", err)
	}
}

// raiseCaps raises them again and again.
func (w *world) raiseCaps() {
	if w.quiet {
		return
	}
	entries, err := w.provider.ledger()
	if err != nil {
		w.t.Fatalf("read the ledger: %v", err)
	}
	now := w.caps[len(w.caps)-1]
	total, day := spentIn(entries, time.Time{}), spentIn(entries, dayOf(time.Now()))
	now.total, now.day = max(now.total, total+w.room()), max(now.day, day+w.room())
	w.note("the key may spend %s CU, and %s a day; it has %s", now.total, now.day, total)
	w.writeCaps(now.total, now.day)
	w.after(w.between(4*time.Second, 16*time.Second), w.raiseCaps)
}

// room is what half a batch needs, or two.
func (w *world) room() job.CU {
	most := w.prices[seeded] * job.CU(w.shape.rows)
	return most/2 + job.CU(w.random.Int64N(int64(most*3/2)))
}

func spentIn(entries []simulator.Entry, since time.Time) (paid job.CU) {
	for _, e := range entries {
		if !e.Accepted.Before(since) {
			paid += e.Charge - e.Refund
		}
	}
	return paid
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// judgeCaps goes through the ledger by time: at no moment the key had spent more than
// it might.
func (w *world) judgeCaps(all []movement) {
	var total, day job.CU
	var today time.Time
	inForce := 0
	for _, m := range all {
		if begun := dayOf(m.at); !begun.Equal(today) {
			today, day = begun, 0
		}
		for inForce+1 < len(w.caps) && !w.caps[inForce+1].at.After(m.at) {
			inForce++
		}
		total += m.cu
		if dayOf(m.of).Equal(today) {
			day += m.cu
		}
		if c := w.caps[inForce]; m.cu > 0 && (total > c.total || day > c.day) {
			w.trouble("at %s the key had spent %s CU and %s on that day; it may %s and %s", m.at.UTC().Format("15:04:05.000"), total, day, c.total, c.day)
			return
		}
	}
}
