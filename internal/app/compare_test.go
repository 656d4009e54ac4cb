package app

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/results"
)

var histories = flag.Uint64("histories", 50, "how many random histories are folded in both ways")

// memory is a bucket in memory.
type memory struct {
	objects
	held map[string][]byte
}

func (m *memory) Put(_ context.Context, key string, body io.Reader) error {
	data, err := io.ReadAll(body)
	m.held[key] = data
	return err
}

func (m *memory) Open(_ context.Context, key string) (io.ReadCloser, error) {
	data, there := m.held[key]
	if !there {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (m *memory) Append(_ context.Context, key string, data []byte) error {
	m.held[key] = append(slices.Clone(m.held[key]), data...)
	return nil
}

func (m *memory) Stat(context.Context, string) (bucket.Object, error) {
	return bucket.Object{}, fs.ErrNotExist // every image was deleted
}

func putLines[T any](t *testing.T, m *memory, name string, lines []T) {
	t.Helper()
	var text bytes.Buffer
	for _, line := range lines {
		if err := json.NewEncoder(&text).Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	m.held[historyBatch+"/"+name] = text.Bytes()
}

// oldBooks are the journal in Redis and in the folder, and the list of what was sent.
type oldBooks struct {
	t       *testing.T
	bucket  *memory
	journal *results.Journal
	stream  []job.Entry // not exported
	number  int
	life    int
}

func newOldBooks(t *testing.T) *oldBooks {
	m := &memory{held: make(map[string][]byte)}
	return &oldBooks{t: t, bucket: m, journal: results.NewJournal(m, historyBatch)}
}

func (o *oldBooks) entry(event job.EntryEvent, a *actor, held, billed, refunded job.CU, at time.Time) {
	o.number++
	charged := at
	if event != job.EntryReserve {
		charged = a.intent
	}
	o.stream = append(o.stream, job.Entry{
		Life: fmt.Sprint("life", o.life), Place: fmt.Sprintf("%d-0", o.number), At: at, Event: event, Batch: historyBatch, Job: a.id, Attempt: a.attempt,
		APIKey: a.key.APIKey, Project: a.key.Project, Team: a.key.Team, Reserved: held, Billed: billed, Refunded: refunded, Charged: charged,
	})
}

func (o *oldBooks) export() {
	if err := o.journal.Append(o.t.Context(), o.stream); err != nil {
		o.t.Fatal(err)
	}
	o.stream = nil
}

func (o *oldBooks) lose() {
	o.stream = nil
	o.life++
}

// recovered is what a process concludes that finds Redis empty.
type recovered struct {
	spent    map[job.Slice]job.CU
	inFlight map[job.ID]pending
	tried    map[job.ID]int // of jobs whose last result is to be made again
}

func sentOf(lines []job.AttemptLine, fresh map[string]bool) []job.Submission {
	var sent []job.Submission
	for _, l := range lines {
		if fresh[fmt.Sprint(l.Event, l.Job, l.Attempt, l.Fence)] {
			continue
		}
		sent = append(sent, job.Submission{
			Event: l.Event, ID: l.Job, Attempt: l.Attempt, At: l.At, Fence: l.Fence, APIKey: l.APIKey, Job: l.Spec,
			Inference: l.Inference, Author: l.ProviderKeyID, Made: l.Made,
		})
	}
	return sent
}

func (h *history) fresh() map[string]bool {
	fresh := make(map[string]bool)
	for _, l := range h.attempts {
		if l.fresh {
			fresh[fmt.Sprint(l.line.Event, l.line.Job, l.line.Attempt, l.line.Fence)] = true
		}
	}
	return fresh
}

// recover is what the code of before does when Redis is empty. With commit its repairs
// stay in the journal.
func (o *oldBooks) recover(h *history, how disorder, commit bool) recovered {
	t, ctx := o.t, o.t.Context()
	t.Helper()
	m := o.bucket
	if !commit {
		m = &memory{held: maps.Clone(o.bucket.held)}
	}
	random := rand.New(rand.NewPCG(h.r.Uint64(), 1))
	putLines(t, m, "_nightshift/sent.jsonl", sentOf(stand(random, h.attempts, how), h.fresh()))
	putLines(t, m, "results.jsonl", stand(random, h.succeeded, how))
	putLines(t, m, "errors.jsonl", stand(random, h.failed, how))
	worlds := make(map[string]world)
	for _, key := range historyKeys {
		worlds[key.APIKey] = world{Project: key.Project, Team: key.Team}
	}
	tu := &takeUp{folder: newFolder(m, historyBatch), gate: &gate{keys: &keyring{worlds: worlds}}, before: worlds}
	left, err := tu.leftovers(ctx)
	if err == nil {
		err = tu.mend(ctx, left)
	}
	if err != nil {
		t.Fatal(err)
	}
	spend, err := results.NewJournal(m, historyBatch).Spend(ctx)
	if err != nil {
		t.Fatal(err)
	}
	found := recovered{spent: map[job.Slice]job.CU{}, inFlight: map[job.ID]pending{}, tried: left.attempts}
	for _, s := range spend.Slices() {
		spent := s.CU
		s.CU = 0
		if found.spent[s] += spent; found.spent[s] == 0 {
			delete(found.spent, s)
		}
	}
	for id, open := range left.open {
		if open.Counted {
			continue // only its images are missing
		}
		in := tu.gate.account(open.APIKey)
		found.inFlight[id] = pending{
			attempt: open.Attempt, key: job.Slice{APIKey: in.APIKey, Project: in.Project, Team: in.Team}, quote: open.Job.Quote, intent: open.Intent,
			run: open.Inference, made: open.Made,
		}
	}
	if commit {
		o.journal = results.NewJournal(m, historyBatch)
	}
	return found
}

// folded is what the log of attempts says.
func folded(t *testing.T, h *history, random *rand.Rand, how disorder) (*batch.Fold, recovered) {
	t.Helper()
	m := &memory{held: make(map[string][]byte)}
	putLines(t, m, "_nightshift/attempts.jsonl", stand(random, h.attempts, how))
	putLines(t, m, "results.jsonl", stand(random, h.succeeded, how))
	putLines(t, m, "errors.jsonl", stand(random, h.failed, how))
	f, err := batch.ReadFold(t.Context(), m, historyBatch)
	if err != nil {
		t.Fatal(err)
	}
	found := recovered{spent: map[job.Slice]job.CU{}, inFlight: map[job.ID]pending{}, tried: map[job.ID]int{}}
	for _, s := range f.Slices() {
		spent := s.CU
		s.CU = 0
		if spent != 0 {
			found.spent[s] = spent
		}
	}
	for _, in := range f.InFlight() {
		found.inFlight[in.Job] = pending{
			attempt: in.Attempt, key: job.Slice{APIKey: in.APIKey, Project: in.Project, Team: in.Team}, quote: in.Quoted, intent: in.Intent,
			run: in.Inference, made: in.Made,
		}
	}
	for _, a := range h.actors {
		if tried := f.Tried(a.id); tried > 0 {
			found.tried[a.id] = tried
		}
	}
	return f, found
}

func withoutTime(spent map[job.Slice]job.CU) map[job.Slice]job.CU {
	sum := map[job.Slice]job.CU{}
	for s, cu := range spent {
		s.Quarter = time.Time{}
		sum[s] += cu
	}
	return sum
}

func withoutKey(spent map[job.Slice]job.CU) map[job.Slice]job.CU {
	sum := map[job.Slice]job.CU{}
	for _, cu := range spent {
		sum[job.Slice{}] += cu
	}
	return sum
}

// same compares what is exact in both.
func same(want, got recovered) string {
	return cmp.Diff(want.spent, got.spent) + cmp.Diff(want.inFlight, got.inFlight, cmp.AllowUnexported(pending{}))
}

type tallies struct {
	histories, moments, kills, lost                                   int
	endedAlone, neverAccepted, late, moved, byClocks, twice, attempts int
	jobs, inFlight, over, spent                                       int
}

// TestBothFoldsAgree holds what the journal and the list of what was sent say against
// what the log of attempts says, on random histories.
func TestBothFoldsAgree(t *testing.T) {
	var sum tallies
	for seed := range *histories {
		compareHistory(t, seed, &sum)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%+v", sum)
}

func compareHistory(t *testing.T, seed uint64, sum *tallies) {
	old := newOldBooks(t)
	h := newHistory(seed, old)
	sum.histories++
	for range 2 + h.r.IntN(6) {
		for range h.r.IntN(25) {
			h.step()
		}
		compareMoment(t, h, old, sum)
		if t.Failed() {
			return
		}
		if h.chance(35) {
			sum.lost++
			found := old.recover(h, asWritten, true)
			truth := h.truth()
			h.lose(truth.inFlight)
			old.lookAgain(h, found, truth)
		}
	}
	sum.kills += h.kills
	sum.jobs += len(h.actors)
}

// lookAgain is what the code of before does with what it took for open and is not: it
// holds the CU, finds the attempt over, or never accepted, and gives them back.
func (o *oldBooks) lookAgain(h *history, found recovered, truth *truth) {
	for id, open := range found.inFlight {
		if _, inFlight := truth.inFlight[id]; inFlight {
			continue
		}
		a := &actor{id: id, attempt: open.attempt, key: open.key, intent: open.intent}
		o.entry(job.EntryAdopt, a, open.quote, 0, 0, h.now)
		event := job.EntryRelease
		if truth.endedAlone[id] == open.attempt {
			event = job.EntrySettle
		}
		o.entry(event, a, open.quote, 0, 0, h.now)
	}
}

func compareMoment(t *testing.T, h *history, old *oldBooks, sum *tallies) {
	sum.moments++
	truth := h.truth()
	want := recovered{spent: truth.spent, inFlight: truth.inFlight, tried: map[job.ID]int{}}
	for id, tried := range truth.tried {
		if tried > 0 {
			want.tried[id] = tried
		}
	}
	sum.inFlight += len(want.inFlight)
	sum.over += len(want.tried)
	sum.spent += len(want.spent)
	random := rand.New(rand.NewPCG(h.r.Uint64(), 2))
	for _, how := range []disorder{asWritten, byClocks, twice} {
		f, got := folded(t, h, random, how)
		held, billed, refunded := f.Total()
		if diff := same(want, got) + cmp.Diff(want.tried, got.tried); diff != "" || held != truth.held || billed != truth.billed || refunded != truth.refunded {
			t.Errorf("fold of attempts, disorder %d: %s held, %s billed, %s refunded, want %s, %s and %s (-truth +fold):\n%s",
				how, held, billed, refunded, truth.held, truth.billed, truth.refunded, diff)
			return
		}
	}
	before := old.recover(h, asWritten, false)
	for id, open := range before.inFlight {
		if _, inFlight := want.inFlight[id]; inFlight {
			continue
		}
		switch {
		case truth.endedAlone[id] == open.attempt: // failed and given back, and not sent again yet
			sum.endedAlone++
		case h.refusedAlone(id): // withdrawn, or never accepted, and not sent again yet
			sum.neverAccepted++
		default:
			continue
		}
		delete(before.inFlight, id)
	}
	if h.late && cmp.Diff(want.spent, before.spent) != "" {
		sum.late++
		want.spent, before.spent = withoutTime(want.spent), withoutTime(before.spent)
	}
	if h.moved && cmp.Diff(want.spent, before.spent) != "" {
		sum.moved++
		want.spent, before.spent = withoutKey(want.spent), withoutKey(before.spent)
	}
	if diff := same(want, before); diff != "" {
		t.Errorf("the books of before (-truth +books):\n%s", diff)
	}
	for id, tried := range before.tried {
		if want.tried[id] == tried {
			sum.attempts++
		} else if truth.endedAlone[id] <= tried {
			t.Errorf("job %s was tried %d times by the books of before, want %d", id, tried, want.tried[id])
		}
	}
	if same(want, before) == "" { // and what of lines that stand in another order?
		if same(want, old.recover(h, byClocks, false)) != "" {
			sum.byClocks++
		}
		if same(want, old.recover(h, twice, false)) != "" {
			sum.twice++
		}
	}
}

// refusedAlone reports whether the last sending of a job was refused by a line that only
// the log of attempts has.
func (h *history) refusedAlone(id job.ID) bool {
	var last *written[job.AttemptLine]
	for i, l := range h.attempts {
		if l.line.Job == id && (last == nil || l.line.Fence >= last.line.Fence) {
			last = &h.attempts[i]
		}
	}
	return last != nil && last.fresh && last.line.Event == job.Refused
}
