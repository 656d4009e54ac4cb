package job_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

// night makes the journal of one batch as a night with crashes leaves it.
type night struct {
	random *rand.Rand
	batch  string
	lives  int
	clock  int
	stream []job.Entry // what Redis holds and the journal does not yet
	file   []job.Entry // the journal, with what it holds twice
	truth  []job.Entry // the journal, every entry once
}

func (n *night) run(steps int) {
	n.lives = 1
	for range steps {
		switch n.random.IntN(12) {
		case 0:
			n.repeatTail()
		case 1:
			n.loseRedis()
		case 2, 3, 4:
			n.export()
		default:
			n.move()
		}
	}
	n.export()
}

var events = []job.EntryEvent{job.EntryReserve, job.EntryReserve, job.EntrySettle, job.EntryRelease, job.EntryAdopt}

func (n *night) move() {
	n.write(events[n.random.IntN(len(events))], fmt.Sprint("job", n.random.IntN(4)), 1+n.random.IntN(2))
}

func (n *night) write(event job.EntryEvent, id string, attempt int) {
	n.clock += n.random.IntN(3)
	e := job.Entry{
		// A later life may begin at an earlier time, or at the same.
		Life: fmt.Sprint("life", n.lives), Place: fmt.Sprintf("%d-%d", 8+n.clock/10, len(n.stream)+100*(n.clock%10)),
		At: entryTime.Add(time.Duration(n.random.IntN(3600)) * time.Second), Event: event,
		Batch: n.batch, Job: job.ID(id), Attempt: attempt, APIKey: fmt.Sprint("key", n.random.IntN(3)),
		Reserved: job.CU(n.random.IntN(5000)),
	}
	if event == job.EntrySettle {
		e.Billed = job.CU(n.random.IntN(5000))
		e.Refunded = job.CU(n.random.Int64N(int64(e.Billed) + 1))
		if n.random.IntN(2) == 0 {
			e.Charged = e.At.Add(-time.Duration(n.random.IntN(3600)) * time.Second)
		}
	}
	n.stream = append(n.stream, e)
}

func (n *night) export() {
	n.file = append(n.file, n.stream...)
	n.truth = append(n.truth, n.stream...)
	n.stream, n.clock = nil, n.clock+10
}

// repeatTail is an exporter that was killed before it noted how far it was.
func (n *night) repeatTail() {
	if count := len(n.file); count > 0 {
		n.file = append(n.file, n.file[n.random.IntN(count):]...)
	}
}

// loseRedis begins another life. What was not exported is gone; what was open is
// adopted again, and now and then an attempt of which only the journal knows that
// it is settled.
func (n *night) loseRedis() {
	var again []job.Entry
	for _, e := range append(slices.Clone(n.truth), n.stream...) {
		again = slices.DeleteFunc(again, func(o job.Entry) bool { return o.Job == e.Job && o.Attempt == e.Attempt })
		if e.Event == job.EntryReserve || e.Event == job.EntryAdopt || n.random.IntN(4) == 0 {
			again = append(again, e)
		}
	}
	n.stream, n.clock, n.lives = nil, n.random.IntN(20), n.lives+1
	for _, e := range again {
		n.write(job.EntryAdopt, string(e.Job), e.Attempt)
	}
}

// totals is what a Spend says.
type totals struct {
	Held, Billed, Refunded job.CU
	Spent                  map[string]job.CU // by key, batch and quarter
	Open                   []string
}

// modelOf takes each attempt by itself: its first settle is its price, and without
// one its last entry says whether it holds.
func modelOf(truth []job.Entry) totals {
	model := totals{Spent: map[string]job.CU{}}
	attempts := map[string][]job.Entry{}
	for _, e := range truth {
		name := fmt.Sprint(e.Batch, " ", e.Job, " ", e.Attempt)
		attempts[name] = append(attempts[name], e)
	}
	for _, name := range slices.Sorted(maps.Keys(attempts)) {
		entries := attempts[name]
		last := entries[len(entries)-1]
		settled := slices.IndexFunc(entries, func(e job.Entry) bool { return e.Event == job.EntrySettle })
		if settled < 0 {
			if last.Event != job.EntryRelease {
				model.Held += last.Reserved
				model.Open = append(model.Open, fmt.Sprint(name, " ", last.Reserved, " ", last.APIKey))
			}
			continue
		}
		bill := entries[settled]
		model.Billed += bill.Billed
		model.Refunded += bill.Refunded
		at := bill.Charged
		if at.IsZero() {
			at = bill.At
		}
		if bill.Billed != bill.Refunded {
			start := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute()/15*15, 0, 0, time.UTC)
			model.Spent[fmt.Sprint(bill.APIKey, " ", bill.Batch, " ", start)] += bill.Billed - bill.Refunded
		}
	}
	return model
}

func totalsOf(spend *job.Spend) totals {
	got := totals{Spent: map[string]job.CU{}}
	got.Held, got.Billed, got.Refunded = spend.Total()
	for _, slice := range spend.Slices() {
		got.Spent[fmt.Sprint(slice.APIKey, " ", slice.Batch, " ", slice.Quarter)] += slice.CU
	}
	for _, e := range spend.Open() {
		got.Open = append(got.Open, fmt.Sprint(e.Batch, " ", e.Job, " ", e.Attempt, " ", e.Reserved, " ", e.APIKey))
	}
	return got
}

// TestSpendOfRandomNights holds sums of journals with crashes against the model, at
// the end and on the way, with the files mixed in any way.
func TestSpendOfRandomNights(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 3))
		var truth []job.Entry
		files := [3][]job.Entry{}
		for i := range files {
			n := night{random: random, batch: fmt.Sprint("batch", i)}
			n.run(random.IntN(50))
			files[i], truth = n.file, append(truth, n.truth...)
		}
		want := modelOf(truth)
		for range 3 {
			if diff := cmp.Diff(want, totalsOf(sumMixed(t, random, files))); diff != "" {
				t.Fatalf("seed %d (-model +got):\n%s", seed, diff)
			}
		}
	}
}

// sumMixed adds the files' entries in a random order, each file's in its own, and
// puts the sum down and takes it up again on the way.
func sumMixed(t *testing.T, random *rand.Rand, files [3][]job.Entry) *job.Spend {
	t.Helper()
	spend := &job.Spend{}
	var spent job.CU
	for len(files[0])+len(files[1])+len(files[2]) > 0 {
		from := random.IntN(len(files))
		if len(files[from]) == 0 {
			continue
		}
		for range 1 + random.IntN(len(files[from])) {
			spend.Add(files[from][0])
			files[from] = files[from][1:]
			held, billed, refunded := spend.Total()
			if held < 0 || billed-refunded < spent {
				t.Fatalf("%s held; %s spent after %s", held, billed-refunded, spent)
			}
			spent = billed - refunded
		}
		if random.IntN(3) == 0 {
			spend = throughJSON(t, spend)
		}
	}
	return spend
}

func throughJSON(t *testing.T, spend *job.Spend) *job.Spend {
	t.Helper()
	data, err := json.Marshal(spend)
	if err != nil {
		t.Fatal(err)
	}
	var again job.Spend
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	return &again
}
