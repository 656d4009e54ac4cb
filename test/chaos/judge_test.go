package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	_ "image/png" // so that images decode
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	books "nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// verdict is what the judges have found.
type verdict struct {
	Jobs  int `json:"jobs"`      // of all plans
	Paid  int `json:"paid"`      // inferences that were charged and not refunded
	Twice int `json:"paidTwice"` // of them, those beside another one of the same job
	Lost  int `json:"lost"`      // of them, those that no result names
}

// trouble is a promise that was not kept.
func (w *world) trouble(format string, args ...any) {
	w.t.Helper()
	text := fmt.Sprintf(format, args...)
	w.note("TROUBLE: %s", text)
	w.t.Error(text)
}

// judgeBatch checks all promises for one batch that is over.
func (w *world) judgeBatch(b *batch) (v verdict) {
	w.t.Helper()
	entries, err := w.provider.ledger()
	if err != nil {
		w.t.Fatalf("read the ledger: %v", err)
	}
	entries = slices.DeleteFunc(entries, func(e simulator.Entry) bool {
		prompt, _ := e.Input["prompt"].(string)
		return !strings.HasPrefix(prompt, b.mark())
	})
	j := &judging{world: w, batch: b, entries: entries}
	j.readResults()
	j.readPlan()
	v.Jobs = len(j.planned)
	j.judgePaid(&v)
	j.judgeOutcomes()
	j.judgeSpend()
	j.judgeBudget()
	return v
}

// judging is what is known of one batch.
type judging struct {
	*world
	batch   *batch
	entries []simulator.Entry
	results []job.Result // in the order of their files: those that succeeded first
	planned []job.Job
}

// lines reads an object of one JSON value a line.
func lines[T any](j *judging, name string) (all []T) {
	j.t.Helper()
	body, err := j.bucket.open(context.Background(), j.batch.id()+"/"+name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		j.t.Fatalf("read %s: %v", name, err)
	}
	defer body.Close()
	decoder := json.NewDecoder(body)
	for {
		var one T
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			j.trouble("%s: %s holds a damaged line: %v", j.batch.name, name, err)
			return all
		}
		all = append(all, one)
	}
}

func (j *judging) readResults() {
	j.results = append(lines[job.Result](j, "results.jsonl"), lines[job.Result](j, "errors.jsonl")...)
}

// readPlan reads the jobs of the order that was the last.
func (j *judging) readPlan() {
	var order struct {
		Plan string `json:"plan"`
	}
	if err := j.readJSON(j.batch.id()+"/_nightshift/order.json", &order); err != nil {
		j.trouble("%s: its order is not there: %v", j.batch.name, err)
		return
	}
	j.planned = lines[job.Job](j, strings.TrimPrefix(order.Plan, j.batch.id()+"/"))
	if len(j.planned) != len(j.batch.rows) {
		j.trouble("%s: the plan has %d jobs for %d rows", j.batch.name, len(j.planned), len(j.batch.rows))
	}
}

// judgePaid checks that every inference that was paid for is named by the result of
// one job, and that no job has two.
func (j *judging) judgePaid(v *verdict) {
	named := make(map[string]job.Result) // by inference
	byJob := make(map[job.ID]job.Result)
	for _, r := range j.results {
		if other, known := named[r.Inference]; known && r.Inference != "" && other.Job != r.Job {
			j.trouble("%s: inference %s is the result of job %s and of job %s", j.batch.name, r.Inference, other.Job, r.Job)
		}
		named[r.Inference] = r
		if r.State != job.Succeeded {
			continue
		}
		if other, known := byJob[r.Job]; known && other.Inference != r.Inference {
			v.Twice++
			j.trouble("%s: job %s has the inferences %s and %s", j.batch.name, r.Job, other.Inference, r.Inference)
		}
		byJob[r.Job] = r
	}
	bought := make(map[job.ID]int)
	for _, e := range j.entries {
		if e.Charge == e.Refund {
			continue
		}
		v.Paid++
		r, known := named[e.JobID]
		if bought[r.Job]++; known && bought[r.Job] > 1 && j.batch.orders == 1 {
			v.Twice++
			j.trouble("%s: job %s was bought %d times in one order\nwhat happened then:\n%s", j.batch.name, r.Job, bought[r.Job], j.around(e.Accepted, 15*time.Second))
		}
		switch {
		case known && (r.State == job.Succeeded) == (e.Status == "success"):
		case known:
			j.trouble("%s: inference %s of job %s ended as %s and is recorded as %s: %s", j.batch.name, e.JobID, r.Job, e.Status, r.State, r.Reason)
			v.Lost++
		default:
			j.unnamed(e, v)
		}
	}
}

// unnamed tells of an inference that was paid for and that no result names.
func (j *judging) unnamed(e simulator.Entry, v *verdict) {
	prompt := e.Input["prompt"]
	var same []string
	for _, other := range j.entries {
		if other.JobID != e.JobID && bytes.Equal(other.Input.Canonical(), e.Input.Canonical()) {
			same = append(same, fmt.Sprintf("%s (%s, accepted %s, charge %s, refund %s)",
				other.JobID, other.Status, other.Accepted.UTC().Format("15:04:05.000"), other.Charge, other.Refund))
		}
	}
	if len(same) > 0 {
		v.Twice++
	} else {
		v.Lost++
	}
	j.trouble("%s: inference %s (%s, %q, accepted %s, lost reply: %q) is paid and no result names it; the same was asked for by: %v\nwhat happened then:\n%s",
		j.batch.name, e.JobID, e.Status, prompt, e.Accepted.UTC().Format("15:04:05.000"), e.LostReply, same, j.around(e.Accepted, 15*time.Second))
}

// judgeOutcomes checks that every job of the plan has one outcome, with whole images.
func (j *judging) judgeOutcomes() {
	outcome := make(map[job.ID]job.Result)
	for _, r := range j.results {
		before, known := outcome[r.Job]
		if known && before.State != r.State && before.State == job.Succeeded && before.Recorded.Before(r.Recorded) {
			j.trouble("%s: job %s has succeeded and failed afterwards: %s", j.batch.name, r.Job, r.Reason)
		}
		if known && before.State != r.State && j.batch.orders == 1 {
			j.trouble("%s: job %s has two outcomes in one order: %s and %s (%s)", j.batch.name, r.Job, before.State, r.State, before.Reason+r.Reason)
		}
		if !known {
			outcome[r.Job] = r
		}
	}
	missing := 0
	current := make(map[string]job.ID) // images of the jobs of the plan, by key
	for i := range j.planned {
		r, known := outcome[j.planned[i].ID]
		for _, image := range r.Images {
			current[image.Key] = r.Job
		}
		switch {
		case !known:
			missing++
		case r.State == job.Failed && r.Kind != "provider" && r.Kind != "rejected":
			j.trouble("%s: job %s failed as %s: %s", j.batch.name, r.Job, r.Kind, r.Reason)
		}
	}
	if missing > 0 && !j.batch.cancelled {
		j.trouble("%s: %d of %d jobs have no result", j.batch.name, missing, len(j.planned))
	}
	for _, r := range outcome {
		for _, i := range r.Images {
			if owner, known := current[i.Key]; known && owner != r.Job {
				continue // the row was edited since, and its image replaced
			}
			if err := j.judgeImage(i); err != nil {
				j.trouble("%s: job %s: image %s: %v", j.batch.name, r.Job, i.Key, err)
			}
		}
		if r.State == job.Succeeded && len(r.Images) == 0 {
			j.trouble("%s: job %s has no image", j.batch.name, r.Job)
		}
	}
}

func (j *judging) judgeImage(i job.Image) error {
	body, err := j.bucket.open(context.Background(), j.batch.id()+"/"+i.Key)
	if err != nil {
		return err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if sum := fmt.Sprintf("%08x", crc32.ChecksumIEEE(data)); sum != i.CRC32 || int64(len(data)) != i.Bytes {
		return fmt.Errorf("%d bytes with CRC %s; its line says %d and %s", len(data), sum, i.Bytes, i.CRC32)
	}
	_, _, err = image.Decode(bytes.NewReader(data))
	return err
}

// judgeSpend checks that the logs of the batch say what the ledger says, and that
// nothing is held any more.
func (j *judging) judgeSpend() {
	fold, err := books.ReadFold(context.Background(), readOnly{j.bucket}, j.batch.id())
	if err != nil {
		j.trouble("%s: %v", j.batch.name, err)
		return
	}
	held, billed, refunded := fold.Total()
	if held != 0 {
		var open []string
		for _, sent := range fold.InFlight() {
			open = append(open, fmt.Sprintf("%s attempt %d of %s", sent.Job, sent.Attempt, sent.Intent.UTC().Format("15:04:05.000")))
		}
		j.trouble("%s: by its logs %s CU are still held: %v", j.batch.name, held, open)
	}
	var paid job.CU
	for _, e := range j.entries {
		paid += e.Charge - e.Refund
	}
	if billed-refunded != paid {
		j.trouble("%s: the logs say %s CU (%s billed, %s refunded), the ledger %s", j.batch.name, billed-refunded, billed, refunded, paid)
	}
}

// readOnly is the bucket for who only reads.
type readOnly struct{ storage }

var errReadOnly = errors.New("judges write nothing")

func (r readOnly) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	return r.open(ctx, key)
}
func (readOnly) Put(context.Context, string, io.Reader) error       { return errReadOnly }
func (readOnly) Append(context.Context, string, []byte) error       { return errReadOnly }
func (readOnly) Lock(context.Context, string) (func() error, error) { return nil, errReadOnly }

// movement is a change of what was spent.
type movement struct {
	at time.Time
	of time.Time // when its inference was accepted
	cu job.CU
}

// movements are all that the entries tell, by time.
func movements(entries []simulator.Entry) []movement {
	var all []movement
	for _, e := range entries {
		all = append(all, movement{e.Accepted, e.Accepted, e.Charge})
		if e.Refund > 0 {
			all = append(all, movement{e.Ended, e.Accepted, -e.Refund})
		}
	}
	slices.SortStableFunc(all, func(a, b movement) int { return a.at.Compare(b.at) })
	return all
}

// judgeBudget checks that at no moment more was spent than the batch may.
func (j *judging) judgeBudget() {
	var spent job.CU
	for _, m := range movements(j.entries) {
		if spent += m.cu; spent > j.batch.budget {
			j.trouble("%s: at %s %s CU were spent of a budget of %s\nwhat happened then:\n%s", j.batch.name,
				m.at.UTC().Format("15:04:05.000"), spent, j.batch.budget, j.around(m.at, 15*time.Second))
			return
		}
	}
}

// judgeKeys checks that, when all is over, Redis counts for the API key what the ledger
// says, and nothing that is held or runs.
func (w *world) judgeKeys() {
	entries, err := w.provider.ledger()
	if err != nil {
		w.t.Fatalf("read the ledger: %v", err)
	}
	var paid job.CU
	for _, e := range entries {
		paid += e.Charge - e.Refund
	}
	w.judgeCaps(movements(entries))
	said := new(output)
	p := start(w.t, "enqueue", w.dir, w.environ(w.redis.Addr(), "enqueue"), []string{"keys", "--json"}, said)
	<-p.ended
	var status struct {
		Standings []struct {
			Keys []struct {
				ID              string
				Running         int
				Spent, Reserved job.CU
			}
		}
	}
	if err := json.Unmarshal([]byte(said.String()), &status); err != nil || len(status.Standings) != 1 || len(status.Standings[0].Keys) != 1 {
		w.t.Fatalf("enqueue keys: %v: %s", err, said)
	}
	if k := status.Standings[0].Keys[0]; k.Running != 0 || k.Reserved != 0 || k.Spent != paid {
		w.trouble("Redis counts for key %s %d running, %s CU reserved and %s spent; the ledger says %s", k.ID, k.Running, k.Reserved, k.Spent, paid)
	}
}

// judgeLogs looks for what a worker says when it is built wrongly, also before a kill.
func (w *world) judgeLogs() {
	for _, m := range w.workers {
		for _, bad := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
			if said := w.said(m.name+".log", bad, 1); said != "" {
				w.trouble("%s has said %q; see %s.log", m.name, bad, m.name)
			}
		}
	}
}
