package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
)

// batch is one manifest and what is done with it.
type batch struct {
	name   string
	kind   batchKind
	rows   []row
	budget job.CU
	steps  int // that are still to be done with it
	over   bool
	began  time.Time
	ended  time.Time
	// orders is how often it was submitted, cancelled whether it was.
	orders    int
	cancelled bool
}

// row is one item of the manifest; its thing stands in the prompt.
type row struct{ id, thing string }

type batchKind int

const (
	plain batchKind = iota
	withoutSeeds
	edited
	cancelledHalfway
	editedWithoutSeeds
	batchKinds
)

var kindNames = map[batchKind]string{
	plain: "with seeds", withoutSeeds: "without seeds", edited: "edited halfway", cancelledHalfway: "cancelled halfway",
	editedWithoutSeeds: "without seeds and edited halfway",
}

func (b *batch) model() string {
	if b.kind == withoutSeeds || b.kind == editedWithoutSeeds {
		return seedless
	}
	return seeded
}

// id is the batch's folder.
func (b *batch) id() string { return "test/" + b.name }

// marks tells the batch's inferences apart from others in the ledger.
func (b *batch) mark() string { return b.name + ": " }

// newBatch begins the next batch.
func (w *world) newBatch() {
	number := len(w.batches)
	b := &batch{name: "night-" + strconv.Itoa(number+1), kind: batchKind(number) % batchKinds, began: time.Now(), steps: 1}
	for i := range w.shape.rows {
		b.rows = append(b.rows, row{"r" + strconv.Itoa(i+1), "thing " + strconv.Itoa(i+1)})
		if b.model() == seedless && i%5 == 4 {
			b.rows[i].thing = b.rows[i-1].thing // two rows that nobody can tell apart
		}
	}
	w.batches = append(w.batches, b)
	w.price(b, len(b.rows))
	w.note("%s: %d rows, %s, budget %s", b.name, len(b.rows), kindNames[b.kind], b.budget)
	w.submit(b, func() { w.nextStep(b) })
}

// price sets the budget to what the rows cost, and not a bit more: what is bought
// twice does not fit.
func (w *world) price(b *batch, rows int) {
	b.budget += w.prices[b.model()] * job.CU(rows)
}

// nextStep does what is to be done with a batch that was submitted.
func (w *world) nextStep(b *batch) {
	switch b.kind {
	case edited, editedWithoutSeeds:
		b.steps++
		w.after(w.between(3*time.Second, 15*time.Second), func() {
			w.edit(b)
			w.submit(b, func() {})
		})
	case cancelledHalfway:
		b.steps++
		w.after(w.between(3*time.Second, 12*time.Second), func() { w.cancel(b) })
	default:
	}
}

// edit replaces some rows by others, leaves one out and adds two.
func (w *world) edit(b *batch) {
	changed := 0
	for i := range b.rows {
		if w.random.IntN(6) == 0 {
			b.rows[i].thing = "other " + b.rows[i].thing
			changed++
		}
	}
	b.rows = append(b.rows[1:], row{"late1", "late thing 1"}, row{"late2", "late thing 2"})
	w.price(b, changed+2)
	w.note("%s is edited: %d rows are other ones, one is gone, two are new, budget %s", b.name, changed, b.budget)
}

func (w *world) manifest(b *batch) string {
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nname: %s\nmode: test\nmodel: %s\nprompt: %q\nbudget: {cu: %s}\n", b.name, b.model(), b.mark()+"{thing}", b.budget)
	if b.model() == seeded {
		text.WriteString("defaults: {parameters: {width: 128, height: 128}}\n")
	}
	text.WriteString("output: \"{id}.{ext}\"\nitems:\n")
	for _, row := range b.rows {
		fmt.Fprintf(&text, "  - {id: %s, thing: %q}\n", row.id, row.thing)
	}
	return text.String()
}

// submit hands the batch to the fleet, again and again until that succeeds, and then
// does what follows.
func (w *world) submit(b *batch, then func()) {
	file := filepath.Join(w.dir, b.name+".yaml")
	if err := os.WriteFile(file, []byte(w.manifest(b)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	said := new(output)
	p := start(w.t, "enqueue", w.dir, w.environ(w.redis.Addr(), "enqueue"), []string{"submit", file}, said)
	w.awaitSubmit(b, p, said, time.Now(), then)
}

// submitLimit is how long a submission may take, provider and Redis being as they are.
const submitLimit = 3 * time.Minute

func (w *world) awaitSubmit(b *batch, p *process, said *output, began time.Time, then func()) {
	if !p.over() {
		if time.Since(began) > submitLimit {
			w.trouble("%s: enqueue submit has not ended after %s: %s", b.name, submitLimit, said)
			return
		}
		w.after(100*time.Millisecond, func() { w.awaitSubmit(b, p, said, began, then) })
		return
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		w.note("%s: enqueue submit ended with code %d: %s", b.name, code, strings.TrimSpace(said.String()))
		w.after(2*time.Second, func() { w.submit(b, then) })
		return
	}
	b.orders++
	w.note("%s is submitted: %s", b.name, strings.ReplaceAll(strings.TrimSpace(said.String()), "\n", "; "))
	then()
	b.steps--
}

// cancel asks the fleet to let the batch be.
func (w *world) cancel(b *batch) {
	defer func() { b.steps-- }()
	var order struct {
		ID string `json:"id"`
	}
	if err := w.readJSON(b.id()+"/_nightshift/order.json", &order); err != nil {
		w.trouble("%s: its order is not there: %v", b.name, err)
		return
	}
	control, err := json.Marshal(map[string]any{"order": order.ID, "state": "cancelled", "at": time.Now().UTC()})
	if err == nil {
		err = w.bucket.put(context.Background(), b.id()+"/_nightshift/control.json", control)
	}
	if err != nil {
		w.note("%s is not cancelled, trying again: %v", b.name, err)
		b.steps++
		w.after(2*time.Second, func() { w.cancel(b) })
		return
	}
	b.cancelled = true
	w.note("%s is cancelled", b.name)
}

func (w *world) readJSON(key string, into any) error {
	body, err := w.bucket.open(context.Background(), key)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(into)
}

// lookAtBatches notes which batches are over, and begins others in their place.
func (w *world) lookAtBatches() {
	open := 0
	for _, b := range w.batches {
		if b.over {
			continue
		}
		if b.steps == 0 {
			marked, err := w.bucket.has(context.Background(), "_nightshift/open/"+b.id())
			if err != nil {
				w.t.Fatalf("look for the mark of %s: %v", b.name, err)
			}
			if !marked {
				b.over, b.ended = true, time.Now()
				w.note("%s is over after %s", b.name, b.ended.Sub(b.began).Round(time.Second))
				w.judgeBatch(b)
				continue
			}
		}
		open++
	}
	if !w.quiet {
		for ; open < batchesAtOnce; open++ {
			w.newBatch()
		}
	}
	w.after(time.Second, w.lookAtBatches)
}

const batchesAtOnce = 3

func (w *world) allOver() bool {
	for _, b := range w.batches {
		if !b.over {
			return false
		}
	}
	return true
}
