package batch

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
	"nightshift/internal/text"
)

// Fold is what the logs of a batch say: what was spent, what is in flight, and which
// attempts are over.
type Fold struct {
	batch string
	marks map[string]*jsonl.Mark // up to where each log was read, by its name

	over   map[digest]known    // attempts that are over, and what was read of them
	last   map[job.ID]*request // of jobs with an attempt that is not over
	spent  spend
	runs   []Run               // of attempts that ended without a result
	keyIDs map[string][]string // the provider's ids of API keys, by ours
	unsent int                 // attempts with a bill in the results and no intent so far
	begun  bool                // the log of attempts has its first line
}

// known says what was read of an attempt that is over.
type known uint8

const (
	billed   known = 1 << iota // its bill is counted
	intended                   // that it was about to be sent
	paid                       // a result says what it cost, and its intent was not read first
)

// digest stands for a job and its attempt. With 80 bits, no two attempts of any real
// batch share one by chance.
type digest [10]byte

func digestOf(id job.ID, attempt int) digest {
	var few [64]byte // what most names fit in
	text := append(append(few[:0], id...), 0)
	sum := sha256.Sum256(strconv.AppendInt(text, int64(attempt), 10))
	return digest(sum[:len(digest{})])
}

func newFold(batch string) *Fold {
	f := &Fold{
		batch: batch, marks: make(map[string]*jsonl.Mark), over: make(map[digest]known), last: make(map[job.ID]*request),
		spent: spend{slices: make(map[job.Slice]job.CU)}, keyIDs: make(map[string][]string),
	}
	for _, name := range []string{failedName, succeededName, attemptsName} {
		f.marks[name] = new(jsonl.Mark)
	}
	return f
}

// ReadFold reads the logs of a batch, those lines apart that its checkpoint covers. A
// line that cannot be read is a [job.HintedError].
//
// Results are read first, so that of an attempt that is over little is kept, and what
// was added to them meanwhile is read once more when something seems to be in flight.
func ReadFold(ctx context.Context, b Bucket, batch string) (*Fold, error) {
	least, err := readLeast(ctx, b, batch) // before the logs, which are ahead of it
	if err != nil {
		return nil, err
	}
	f, err := readSpending(ctx, b, batch)
	if err == nil {
		err = least.check(f)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ReadOn is [ReadFold] for who has read the logs before: of f only what was added since is
// read, where the bucket's objects can seek. f may be nil.
func ReadOn(ctx context.Context, b Bucket, batch string, f *Fold) (*Fold, error) {
	if f == nil {
		return ReadFold(ctx, b, batch)
	}
	whole, err := f.readOn(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("sum up batch %q: %w", batch, err)
	}
	if !whole { // lines came to stand before what was read, or what was read is gone
		return ReadFold(ctx, b, batch)
	}
	return f, nil
}

// readSpending is [ReadFold] of a batch of which nothing is sent: what its logs say counts,
// also where they know less than they did, so that one such batch keeps nobody from others.
func readSpending(ctx context.Context, b Bucket, batch string) (*Fold, error) {
	f, err := readCheckpoint(ctx, b, batch)
	if err != nil {
		return nil, err
	}
	covered := 0 // attempts that a checkpoint knows
	for {
		whole, err := f.readOn(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("sum up batch %q: %w", batch, err)
		}
		if whole && len(f.over)+len(f.last) < covered {
			return nil, fmt.Errorf("sum up batch %q: %w", batch, f.shrunkError())
		}
		if whole {
			return f, nil
		}
		covered = len(f.over)
		f = newFold(batch) // the checkpoint is of other logs
	}
}

// readOn reads what stands behind the marks. It reports false if one of them is not in
// its log any more.
func (f *Fold) readOn(ctx context.Context, b Bucket) (whole bool, err error) {
	for _, name := range []string{failedName, succeededName} {
		if whole, err := readLog(ctx, f, b, name, bills, f.result); err != nil || !whole {
			return false, err
		}
	}
	if whole, err := readLog(ctx, f, b, attemptsName, attemptLines, f.attempt); err != nil || !whole {
		return false, err
	}
	if f.unsent > 0 {
		return false, f.cutError()
	}
	if len(f.InFlight()) == 0 {
		return true, nil
	}
	for _, name := range []string{failedName, succeededName} {
		whole, err := readLog(ctx, f, b, name, bills, f.result)
		if err == nil && !whole { // lines of another writer came to stand before the mark
			*f.marks[name] = jsonl.Mark{}
			_, err = readLog(ctx, f, b, name, bills, f.result)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// readLog gives take the lines of a log behind its mark.
func readLog[T any](ctx context.Context, f *Fold, b Bucket, name string, kind jsonl.Kind[T], take func(T, []byte) error) (whole bool, err error) {
	key := objectKey(f.batch, name)
	body, err := openLog(ctx, b, f.batch, name)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", key, err)
	}
	defer body.Close() // only read from
	if whole, err := f.marks[name].Skip(body); err != nil || !whole {
		return false, err
	}
	for line, err := range kind.Read(ctx, key, body, f.marks[name]) {
		if err == nil {
			err = take(line.Value, line.Text)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// result takes a line of a results log: its attempt is over, and those before it.
func (f *Fold) result(b bill, _ []byte) error {
	f.end(b.job, b.attempt)
	if b.charge != nil && f.bill(b.job, b.attempt) {
		in := job.Slice{APIKey: b.apiKey, Project: b.charge.Project, Team: b.charge.Team, Batch: f.batch}
		f.spent.add(in, b.sent(), b.charge.Billed, b.charge.Refunded)
	}
	if name := digestOf(b.job, b.attempt); b.charge != nil && b.charge.Billed > 0 && f.over[name]&(intended|paid) == 0 {
		f.over[name] |= paid
		f.unsent++
	}
	return nil
}

// shrunkError says that the logs know fewer attempts than their checkpoint: they only grow.
func (f *Fold) shrunkError() error {
	return &job.HintedError{
		Err:  fmt.Errorf("the logs of %s are %w: they know fewer attempts than %s", f.batch, job.ErrDamaged, objectKey(f.batch, checkpointName)),
		Hint: "put back the files as they were, from a copy; if nothing of the batch is under way, delete the checkpoint",
	}
}

// cutError says that the log of attempts lacks lines: nothing is paid before its intent
// is durable. What else it lacks may be in flight.
func (f *Fold) cutError() error {
	return &job.HintedError{
		Err: fmt.Errorf("%s is %w, it lacks lines: results name %s that it does not know", objectKey(f.batch, attemptsName), job.ErrDamaged, text.Count(f.unsent, "paid attempt")),
		Hint: "put back the file as it was, from a copy. Without it requests that are still under way are not looked for at the provider " +
			"and their jobs may be paid again; if none is under way, move the batch's folder away",
	}
}

// attempt takes a line of the log of attempts.
func (f *Fold) attempt(line job.AttemptLine, whole []byte) (err error) {
	if line.Event == job.Received && line.ProviderKeyID != "" && !slices.Contains(f.keyIDs[line.APIKey], line.ProviderKeyID) {
		f.keyIDs[line.APIKey] = append(f.keyIDs[line.APIKey], line.ProviderKeyID)
	}
	if line.Event == job.Begun {
		f.begun = true
		return nil
	}
	if line.Event == job.Ended {
		f.ended(&line)
		return nil
	}
	if line.Event == job.Intended {
		f.intended(&line)
	}
	last := f.last[line.Job]
	if f.Over(line.Job, line.Attempt) || last != nil && line.Attempt < last.attempt {
		return nil
	}
	if last == nil || line.Attempt > last.attempt {
		f.end(line.Job, line.Attempt-1)
		last = &request{attempt: line.Attempt}
		f.last[line.Job] = last
	}
	if line.Event == job.Intended {
		if line, err = wholeAttempt(whole); err != nil {
			return err
		}
	}
	last.take(&line)
	return nil
}

// intended notes that an attempt that is over was about to be sent.
func (f *Fold) intended(line *job.AttemptLine) {
	name := digestOf(line.Job, line.Attempt)
	if of, over := f.over[name]; over && of&intended == 0 {
		f.over[name] |= intended
		if of&paid != 0 {
			f.unsent--
		}
	}
}

func (f *Fold) ended(line *job.AttemptLine) {
	f.end(line.Job, line.Attempt)
	if !f.bill(line.Job, line.Attempt) {
		return
	}
	in := job.Slice{APIKey: line.APIKey, Project: line.Project, Team: line.Team, Batch: f.batch}
	f.spent.add(in, line.Sent, line.Billed, line.Refunded)
	if line.Inference != "" {
		f.runs = append(f.runs, Run{line.Inference, line.Made})
	}
}

// end notes that an attempt of a job is over. Those before it are, too: a job has one
// at a time.
func (f *Fold) end(id job.ID, attempt int) {
	last := f.last[id]
	if last != nil && last.attempt <= attempt {
		delete(f.last, id)
	}
	for ; attempt >= 1; attempt-- {
		name := digestOf(id, attempt)
		if _, known := f.over[name]; known {
			return
		}
		f.over[name] = 0
		if last != nil && last.attempt == attempt && last.intended {
			f.over[name] = intended
		}
	}
}

// Attempts is how many attempts the logs know of. One that was refused and tried again is
// one.
func (f *Fold) Attempts() int { return len(f.over) + len(f.last) }

// Begun reports whether the log of attempts has its first line, without which it is lost.
func (f *Fold) Begun() bool { return f.begun }

// bill reports whether the bill of an attempt that is over is not counted yet, and notes
// that it is.
func (f *Fold) bill(id job.ID, attempt int) bool {
	name := digestOf(id, attempt)
	counted := f.over[name]&billed != 0
	f.over[name] |= billed
	return !counted
}

// Over reports whether an attempt has come to its end.
func (f *Fold) Over(id job.ID, attempt int) bool {
	_, over := f.over[digestOf(id, attempt)]
	return over
}

// Tried is how many attempts of a job are over: the next one has a higher number.
func (f *Fold) Tried(id job.ID) int {
	attempt := 0
	for f.Over(id, attempt+1) {
		attempt++
	}
	return attempt
}

// InFlight are the attempts that may be at the provider and whose end is not known,
// ordered by job.
func (f *Fold) InFlight() []InFlight {
	var all []InFlight
	for _, last := range f.last {
		if found := last.inFlight(); found != nil {
			all = append(all, *found)
		}
	}
	slices.SortFunc(all, func(a, b InFlight) int { return strings.Compare(string(a.Job), string(b.Job)) })
	return all
}

// Runs are inferences that belong to no attempt that is in flight, and that no result
// names: their jobs were tried again.
func (f *Fold) Runs() []Run {
	runs := slices.Clone(f.runs)
	for _, last := range f.last {
		if stray := last.stray(); stray != nil {
			runs = append(runs, *stray)
		}
	}
	return runs
}

// ProviderKeyIDs are what the provider calls API keys, by our ids.
func (f *Fold) ProviderKeyIDs() map[string][]string { return maps.Clone(f.keyIDs) }

// Slices returns what was spent, ordered by API key, project, team and time. Slices in
// which nothing was spent are left out.
func (f *Fold) Slices() []job.Slice { return f.spent.list() }

// Total returns the CU that are held by attempts in flight, and those that were billed
// and refunded for attempts that are over.
func (f *Fold) Total() (held, billed, refunded job.CU) {
	for _, each := range f.InFlight() {
		held += each.Quoted
	}
	return held, f.spent.billed, f.spent.refunded
}
