package report

import (
	"cmp"
	"hash/maphash"
	"slices"

	"nightshift/internal/job"
)

// payment is what one line of the log says that its inference cost.
type payment struct {
	quoted, billed, refunded job.CU
	attempts                 int
}

// largest is what an inference cost of which two lines tell: a line whose images
// only had to be fetched again says 0.
func (p payment) largest(o payment) payment {
	return payment{max(p.quoted, o.quoted), max(p.billed, o.billed), max(p.refunded, o.refunded), max(p.attempts, o.attempts)}
}

func (p payment) plus(o payment) payment {
	return payment{p.quoted + o.quoted, p.billed + o.billed, p.refunded + o.refunded, p.attempts + o.attempts}
}

// payments adds up what inferences cost, each once however many lines it has.
type payments struct {
	seed  maphash.Seed
	sum   payment // of lines without an inference
	runs  buckets[paidRun]
	kinds map[payment]uint32 // a batch has few prices, so that a line needs but a number
	list  []payment          // by that number
}

// paidRun is a line with an inference; the hash is of it and its job, in two halves
// to save room.
type paidRun struct{ high, low, kind uint32 }

func newPayments() *payments {
	return &payments{seed: maphash.MakeSeed(), kinds: make(map[payment]uint32)}
}

func (p *payments) add(r *job.Result) {
	paid := payment{r.Quoted, r.Billed, r.Refunded, r.Attempts}
	if r.Inference == "" {
		p.sum = p.sum.plus(paid)
		return
	}
	kind, known := p.kinds[paid]
	if !known {
		kind = uint32(len(p.list))
		p.kinds[paid] = kind
		p.list = append(p.list, paid)
	}
	hash := maphash.String(p.seed, string(r.Job)+"\x00"+r.Inference)
	p.runs.add(hash, paidRun{uint32(hash >> 32), uint32(hash), kind})
}

// total returns the sum and forgets the lines.
func (p *payments) total() payment {
	for runs := range p.runs.take {
		slices.SortFunc(runs, func(a, b paidRun) int { return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low)) })
		for lines := range groups(runs, func(a, b paidRun) bool { return a.high == b.high && a.low == b.low }) {
			var paid payment
			for _, line := range lines {
				paid = paid.largest(p.list[line.kind])
			}
			p.sum = p.sum.plus(paid)
		}
	}
	return p.sum
}
