package batch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

const (
	questionsKey = "night/_nightshift/questions.json"
	answersKey   = "night/_nightshift/answers.jsonl"
)

// touched is a bucket that counts how often it is asked for something.
type touched struct {
	*bucket.Local
	opens, puts atomic.Int64
	broken      atomic.Bool
}

func (c *touched) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	c.opens.Add(1)
	return c.Local.Open(ctx, key)
}

func (c *touched) Put(ctx context.Context, key string, body io.Reader) error {
	c.puts.Add(1)
	if c.broken.Load() {
		return errDisk
	}
	return c.Local.Put(ctx, key, body)
}

func question(row string, attempt int, candidates ...string) job.Decision {
	q := job.Decision{
		Job: job.ID("job-" + row), Attempt: attempt, Row: row, Model: "model_x", Prompt: "<a> & b", APIKey: "studio",
		Sent: batchtest.Start, Amount: 10_750,
	}
	for i, id := range candidates {
		q.Candidates = append(q.Candidates, job.Candidate{
			Inference: id, Made: batchtest.Start.Add(time.Duration(i) * time.Second), Status: job.RunSucceeded, ProviderKeyID: "apiu_1", Billed: 10_750,
		})
	}
	return q
}

func ask(t testing.TB, q *batch.Decisions, open ...job.Decision) {
	t.Helper()
	if err := q.Publish(t.Context(), open); err != nil {
		t.Fatal(err)
	}
}

func answer(t testing.TB, q *batch.Decisions, row string, attempt int, inference string) {
	t.Helper()
	a := job.Answer{Job: job.ID("job-" + row), Attempt: attempt, Inference: inference, At: batchtest.Start}
	if err := q.Answer(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

// answers returns what was decided in short.
func answers(t testing.TB, q *batch.Decisions) string {
	t.Helper()
	all, err := q.Answers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, a := range all {
		words = append(words, fmt.Sprintf("%s/%d=%s", a.Job, a.Attempt, a.Inference))
	}
	return strings.Join(words, " ")
}

func open(t testing.TB, q *batch.Decisions) []job.Decision {
	t.Helper()
	list, err := q.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestQuestionsReachAnotherProcess(t *testing.T) {
	t.Parallel()
	local := batchtest.Local(t)
	asking, person := batch.NewDecisions(local, "night"), batch.NewDecisions(local, "night")
	if got := open(t, person); len(got) != 0 {
		t.Errorf("%v is asked before anything was", got)
	}
	want := []job.Decision{question("a", 1, "run1", "run2"), question("b", 2), question("c", 1, "run3")}
	ask(t, asking, want[2], want[0], want[1])
	if diff := cmp.Diff(want, open(t, person), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what is asked (-want +got):\n%s", diff)
	}
	answer(t, person, "a", 1, "run2")
	answer(t, person, "b", 1, "run9") // of an attempt that is over
	answer(t, person, "c", 1, "")
	if diff := cmp.Diff(want[1:2], open(t, person), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what is open (-want +got):\n%s", diff)
	}
	if got, want := answers(t, asking), "job-a/1=run2 job-b/1=run9 job-c/1="; got != want {
		t.Errorf("answers %q, want %q", got, want)
	}
	answer(t, person, "a", 1, "run1") // on second thoughts
	if got, want := answers(t, asking), "job-b/1=run9 job-c/1= job-a/1=run1"; got != want {
		t.Errorf("answers %q, want %q", got, want)
	}
}

func TestAskWritesWhatIsNew(t *testing.T) {
	t.Parallel()
	seen := &touched{Local: batchtest.Local(t)}
	q := batch.NewDecisions(seen, "night")
	a, b := question("a", 1, "run1", "run2"), question("b", 1)
	turned := question("a", 1, "run1", "run2")
	turned.Candidates[0], turned.Candidates[1] = turned.Candidates[1], turned.Candidates[0]
	for i, step := range []struct {
		open []job.Decision
		puts int64
	}{
		{nil, 0}, // there is no file, and none is made
		{[]job.Decision{a, b}, 1},
		{[]job.Decision{b, a}, 1},
		{[]job.Decision{b, turned}, 1},
		{[]job.Decision{question("a", 2), b}, 2},
		{nil, 3},
		{[]job.Decision{}, 3},
	} {
		ask(t, q, step.open...)
		if got := seen.puts.Load(); got != step.puts {
			t.Errorf("step %d: written %d times, want %d", i, got, step.puts)
		}
	}
	if got := batchtest.ReadFile(t, seen.Local, questionsKey); got != "[]\n" {
		t.Errorf("with nothing asked, the file holds %q", got)
	}
}

func TestAskGoesOnFromAnotherRun(t *testing.T) {
	t.Parallel()
	seen := &touched{Local: batchtest.Local(t)}
	ask(t, batch.NewDecisions(seen, "night"), question("a", 1))
	ask(t, batch.NewDecisions(seen, "night"), question("a", 1))
	if got := seen.puts.Load(); got != 1 {
		t.Errorf("the same question was written %d times", got)
	}
	ask(t, batch.NewDecisions(seen, "night"))
	if got := open(t, batch.NewDecisions(seen, "night")); len(got) != 0 {
		t.Errorf("%v is still asked", got)
	}
}

func TestAskIsRepeatedAfterAFailure(t *testing.T) {
	t.Parallel()
	seen := &touched{Local: batchtest.Local(t)}
	q := batch.NewDecisions(seen, "night")
	ask(t, q)
	seen.broken.Store(true)
	if err := q.Publish(t.Context(), []job.Decision{question("a", 1)}); !errors.Is(err, errDisk) {
		t.Errorf("error %v, want %v", err, errDisk)
	}
	seen.broken.Store(false)
	ask(t, q, question("a", 1))
	if got := open(t, q); len(got) != 1 {
		t.Errorf("%d questions are asked, want 1", len(got))
	}
}

func TestAnswersReadWhileSomethingIsAsked(t *testing.T) {
	t.Parallel()
	seen := &touched{Local: batchtest.Local(t)}
	person := batch.NewDecisions(seen.Local, "night")
	answer(t, person, "a", 1, "run1") // left from an earlier run
	q := batch.NewDecisions(seen, "night")
	ask(t, q)
	if got := answers(t, q); got != "job-a/1=run1" {
		t.Errorf("answers %q", got)
	}
	before := seen.opens.Load()
	for range 100 {
		answers(t, q)
	}
	if got := seen.opens.Load(); got != before {
		t.Errorf("read %d times while nothing is asked", got-before)
	}
	ask(t, q, question("b", 1))
	answer(t, person, "b", 1, "")
	if got := answers(t, q); got != "job-a/1=run1 job-b/1=" {
		t.Errorf("answers %q", got)
	}
	ask(t, q)
	answer(t, q, "c", 1, "run3") // by this process itself
	if got := answers(t, q); got != "job-a/1=run1 job-b/1= job-c/1=run3" {
		t.Errorf("answers %q", got)
	}
}

func TestAnswersBelongToTheirReader(t *testing.T) {
	t.Parallel()
	q := batch.NewDecisions(batchtest.Local(t), "night")
	ask(t, q)
	answer(t, q, "a", 1, "run1")
	list, err := q.Answers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list[0].Inference = "run9"
	if got := answers(t, q); got != "job-a/1=run1" {
		t.Errorf("answers %q after a reader changed its list", got)
	}
}

func TestQuestionsWithDamage(t *testing.T) {
	t.Parallel()
	local := batchtest.Local(t)
	q := batch.NewDecisions(local, "night")
	if err := q.Answer(t.Context(), job.Answer{Job: "job-a"}); !errors.Is(err, job.ErrInvalid) {
		t.Errorf("an answer to no attempt: error %v, want one of kind invalid", err)
	}
	if _, err := os.Stat(local.Path(answersKey)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was written down: %v", err)
	}
	answer(t, q, "a", 1, "run1")
	whole := batchtest.ReadFile(t, local, answersKey)
	batchtest.WriteFile(t, local, answersKey, whole+whole[:len(whole)/2]) // torn
	if got := answers(t, q); got != "job-a/1=run1" {
		t.Errorf("answers %q", got)
	}
	answer(t, q, "b", 1, "run2")
	if got := answers(t, q); got != "job-a/1=run1 job-b/1=run2" {
		t.Errorf("answers %q", got)
	}
	batchtest.WriteFile(t, local, answersKey, whole+"yes\n"+whole)
	if _, err := q.Answers(t.Context()); err == nil || !strings.Contains(err.Error(), "answers.jsonl, line 2") || job.Hint(err) == "" {
		t.Errorf("error %v with hint %q", err, job.Hint(err))
	}
	ask(t, q, question("a", 1))
	batchtest.WriteFile(t, local, questionsKey, "[{")
	if _, err := q.Open(t.Context()); err == nil || job.Hint(err) == "" {
		t.Errorf("error %v with hint %q", err, job.Hint(err))
	}
	ask(t, batch.NewDecisions(local, "night"), question("a", 1)) // what the hint says
	batchtest.WriteFile(t, local, answersKey, "")
	if got := open(t, q); len(got) != 1 {
		t.Errorf("%d questions after the file was written again", len(got))
	}
}

func TestQuestionsOfManyGoroutines(t *testing.T) {
	t.Parallel()
	local := batchtest.Local(t)
	q := batch.NewDecisions(local, "night")
	var running sync.WaitGroup
	for i := range 20 {
		row := fmt.Sprintf("r%02d", i)
		running.Go(func() {
			if err := q.Publish(t.Context(), []job.Decision{question(row, 1)}); err != nil {
				t.Error(err)
			}
			if err := q.Answer(t.Context(), job.Answer{Job: job.ID("job-" + row), Attempt: 1, At: batchtest.Start}); err != nil {
				t.Error(err)
			}
			all, err := q.Answers(t.Context())
			if err != nil || !strings.Contains(fmt.Sprint(all), "job-"+row) {
				t.Errorf("%s is not among the answers %v: %v", row, all, err)
			}
			if list, err := q.Open(t.Context()); err != nil || len(list) > 1 {
				t.Errorf("%d questions are open: %v", len(list), err)
			}
		})
	}
	running.Wait()
	if all, err := q.Answers(t.Context()); err != nil || len(all) != 20 {
		t.Errorf("%d answers, want 20: %v", len(all), err)
	}
}

// TestAnswersOfTwoCommands answers by commands that know nothing of each other but
// the lock.
func TestAnswersOfTwoCommands(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	const commands, each = 4, 25
	var running sync.WaitGroup
	for command := range commands {
		running.Go(func() {
			local, err := bucket.NewLocal(folder)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range each {
				unlock, err := lockAnswers(t, local)
				if err != nil {
					t.Error(err)
					return
				}
				a := job.Answer{Job: job.ID(fmt.Sprintf("job-%d-%d", command, i)), Attempt: 1, At: batchtest.Start}
				if err := errors.Join(batch.NewDecisions(local, "night").Answer(t.Context(), a), unlock()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	local, err := bucket.NewLocal(folder)
	if err != nil {
		t.Fatal(err)
	}
	all, err := batch.NewDecisions(local, "night").Answers(t.Context())
	if err != nil || len(all) != commands*each {
		t.Errorf("%d answers, want %d: %v", len(all), commands*each, err)
	}
}

// lockAnswers asks for the lock until it is free.
func lockAnswers(t testing.TB, local *bucket.Local) (unlock func() error, err error) {
	for {
		unlock, err := local.Lock(t.Context(), "night/"+batch.AnswersLock)
		if _, held := errors.AsType[*bucket.LockedError](err); !held {
			return unlock, err
		}
		runtime.Gosched()
	}
}
