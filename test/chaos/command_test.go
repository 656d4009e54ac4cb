package chaos

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// commandLimit is how long a command may take, provider, Redis and bucket being as
// they are.
const commandLimit = 3 * time.Minute

// command runs enqueue for a batch, and says then how that ended.
func (w *world) command(b *batch, args []string, then func(code int, said string)) {
	said := new(output)
	p := start(w.t, "enqueue", w.dir, w.environ(w.redis.Addr(), "enqueue"), args, said)
	w.awaitCommand(b, p, said, time.Now(), then)
}

func (w *world) awaitCommand(b *batch, p *process, said *output, began time.Time, then func(code int, said string)) {
	if !p.over() {
		if time.Since(began) > commandLimit {
			w.trouble("%s: enqueue %s has not ended after %s: %s", b.name, p.cmd.Args[1], commandLimit, said)
			return
		}
		w.after(100*time.Millisecond, func() { w.awaitCommand(b, p, said, began, then) })
		return
	}
	code, text := p.cmd.ProcessState.ExitCode(), strings.ReplaceAll(strings.TrimSpace(said.String()), "\n", "; ")
	w.counts.Commands++
	if code == 0 {
		w.note("%s: enqueue %s: %s", b.name, p.cmd.Args[1], text)
	} else {
		w.note("%s: enqueue %s ended with code %d: %s", b.name, p.cmd.Args[1], code, text)
	}
	then(code, text)
}

// insist runs a command again and again until it succeeds, or until enough says that
// what it answered will do.
func (w *world) insist(b *batch, args []string, enough func(said string) bool, then func(said string)) {
	w.command(b, args, func(code int, said string) {
		if code == 0 || enough != nil && enough(said) {
			then(said)
			return
		}
		w.seeOrder(b)
		w.after(2*time.Second, func() { w.insist(b, args, enough, then) })
	})
}

// submit hands the batch to the fleet, and does then what follows.
func (w *world) submit(b *batch, then func()) {
	file := filepath.Join(w.dir, b.name+".yaml")
	if err := os.WriteFile(file, []byte(w.manifest(b)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.insist(b, []string{"submit", file}, nil, func(string) {
		w.seeOrder(b)
		then()
		b.steps--
	})
}

// seeOrder counts the orders of a batch: a command that has failed may have placed one.
func (w *world) seeOrder(b *batch) {
	var order struct {
		ID string `json:"id"`
	}
	if !w.bucket.ready() {
		b.orders++ // perhaps
		return
	}
	if err := w.readJSON(b.id()+"/_nightshift/order.json", &order); err == nil && order.ID != b.order {
		b.order = order.ID
		b.orders++
	}
}

// cancel ends the batch.
func (w *world) cancel(b *batch) {
	b.cancelled = true
	w.insist(b, []string{"cancel", b.id()}, nil, func(string) { b.steps-- })
}

// pause lets the batch rest for a while.
func (w *world) pause(b *batch) {
	beingCancelled := func(said string) bool { return strings.Contains(said, "being cancelled") }
	w.insist(b, []string{"pause", b.id()}, beingCancelled, func(string) {
		w.after(w.between(0, 8*time.Second), func() {
			w.insist(b, []string{"resume", b.id()}, beingCancelled, func(string) { b.steps-- })
		})
	})
}

// retry runs again what a batch that is over has not made. What it may not spend, it
// does not run.
func (w *world) retry(b *batch) {
	before := b.order
	placed := func(said string) bool { return strings.Contains(said, "it goes on") }
	refused := func(said string) bool { return strings.Contains(said, "the budget of batch") }
	enough := func(said string) bool { return placed(said) || refused(said) }
	w.insist(b, []string{"retry", b.id()}, enough, func(string) {
		w.seeOrder(b)
		if b.order != before {
			b.cancelled = false
		}
		b.steps--
	})
}
