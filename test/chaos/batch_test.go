package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
)

// batch is one manifest and what is done with it.
type batch struct {
	name      string
	kind      batchKind
	rows      []row
	budget    job.CU
	steps     int // that are still to be done with it
	over      bool
	began     time.Time
	ended     time.Time
	orders    int    // how many it had
	order     string // the last one that was seen
	cancelled bool
	retry     bool // it is retried when it is over
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
	b.retry = w.random.IntN(2) == 0
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
	if w.random.IntN(3) == 0 {
		b.steps++
		w.after(w.between(0, 12*time.Second), func() { w.pause(b) })
	}
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
	defer func() { w.after(time.Second, w.lookAtBatches) }()
	if !w.bucket.ready() {
		return
	}
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
				if !b.retry {
					continue
				}
				b.over, b.retry, b.steps = false, false, 1
				w.retry(b)
			}
		}
		open++
	}
	if !w.quiet {
		for ; open < batchesAtOnce; open++ {
			w.newBatch()
		}
	}
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
