package batch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

const (
	questionsName = "_nightshift/questions.json"
	answersName   = "_nightshift/answers.jsonl"
)

// AnswersLock is what a process holds the lock of while it answers, as an object key
// within the batch's folder; see [Decisions.Answer].
const AnswersLock = "_nightshift/answers.lock"

// Decisions are the lost replies of a batch of which only a person can tell what
// became of them, and what people decided. They are safe for use by many
// goroutines. One process asks, the one that runs the batch, and others may answer.
type Decisions struct {
	bucket       Bucket
	questionsKey string
	answersKey   string

	mu      sync.Mutex
	written []byte    // the file of questions; nil before it was read
	read    time.Time // when written was last known to be so
	// quiet says that this process asks nothing, so that no answer is awaited.
	quiet   bool
	answers []job.Answer // as last read; nil before
}

// NewDecisions returns the questions of the batch in this folder of the bucket.
// Nothing is read or written before it is asked for.
func NewDecisions(b Bucket, batch string) *Decisions {
	return &Decisions{bucket: b, questionsKey: objectKey(batch, questionsName), answersKey: objectKey(batch, answersName)}
}

// Publish replaces the questions that are asked. The file is written whole, when it
// differs from what it holds; asking nothing does not make one.
func (q *Decisions) Publish(ctx context.Context, open []job.Decision) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.quiet = false // before it is certain what is asked
	if err := q.ask(ctx, open); err != nil {
		return fmt.Errorf("ask %d questions: %w", len(open), err)
	}
	q.quiet = len(open) == 0
	return nil
}

func (q *Decisions) ask(ctx context.Context, open []job.Decision) error {
	data, err := encodeQuestions(open)
	if err != nil {
		return err
	}
	if time.Since(q.read) > questionsKnown { // another process may ask by now, or has asked
		q.written = nil
	}
	if q.written == nil {
		q.read = time.Now()
		if q.written, err = q.readQuestions(ctx); err != nil {
			return err
		}
	}
	if bytes.Equal(data, q.written) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, jsonl.CommitTimeout)
	defer cancel()
	q.written = nil // what a failed write leaves is not known
	if err := q.bucket.Put(ctx, q.questionsKey, bytes.NewReader(data)); err != nil {
		return err
	}
	q.written, q.read = data, time.Now()
	return nil
}

// questionsKnown is how long the file is believed to be as this process left it.
const questionsKnown = 30 * time.Second

// encodeQuestions writes questions and candidates in an order of their own, so that
// the same questions are the same bytes.
func encodeQuestions(open []job.Decision) ([]byte, error) {
	open = append([]job.Decision{}, open...)
	slices.SortFunc(open, func(a, b job.Decision) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Job, b.Job), cmp.Compare(a.Attempt, b.Attempt))
	})
	for i := range open {
		candidates := append([]job.Candidate{}, open[i].Candidates...)
		slices.SortFunc(candidates, func(a, b job.Candidate) int {
			return cmp.Or(a.Made.Compare(b.Made), cmp.Compare(a.Inference, b.Inference))
		})
		open[i].Candidates = candidates
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(open)
	return text.Bytes(), err
}

// readQuestions returns the file; none is the same as an empty list.
func (q *Decisions) readQuestions(ctx context.Context) ([]byte, error) {
	body, err := q.bucket.Open(ctx, q.questionsKey)
	if errors.Is(err, fs.ErrNotExist) {
		return encodeQuestions(nil)
	}
	if err == nil {
		defer body.Close() // only read from
		var data []byte
		if data, err = io.ReadAll(body); err == nil {
			return data, nil
		}
	}
	return nil, fmt.Errorf("read %s: %w", q.questionsKey, err)
}

// Open reads the questions that are asked and have no answer, ordered by row. A
// file that is no list of questions is a [job.HintedError].
func (q *Decisions) Open(ctx context.Context) ([]job.Decision, error) {
	data, err := q.readQuestions(ctx)
	if err != nil {
		return nil, err
	}
	var open []job.Decision
	if err := json.Unmarshal(data, &open); err != nil {
		return nil, &job.HintedError{
			Err:  fmt.Errorf("read %s: %w: %w", q.questionsKey, job.ErrDamaged, err),
			Hint: "remove the file and run the batch again: what is still open is asked again",
		}
	}
	answers, err := q.readAnswers(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(open, func(question job.Decision) bool {
		return slices.ContainsFunc(answers, func(a job.Answer) bool {
			// One from before the request was sent was about an earlier sending.
			return a.Job == question.Job && a.Attempt == question.Attempt && !a.At.Before(question.Sent)
		})
	}), nil
}

// Answer notes what a person decided, and returns when that is durable. An answer
// that names no attempt is an error wrapping [job.ErrInvalid].
//
// Two processes that answer at the same time could write over each other. So the
// caller holds the bucket's lock of [AnswersLock] in the batch's folder, best since
// before it looks with [Questions.Open] what is asked.
func (q *Decisions) Answer(ctx context.Context, a job.Answer) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.answer(ctx, a); err != nil {
		return fmt.Errorf("note the answer about job %q attempt %d: %w", a.Job, a.Attempt, err)
	}
	return nil
}

func (q *Decisions) answer(ctx context.Context, a job.Answer) error {
	if err := a.Check(); err != nil {
		return err
	}
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, jsonl.CommitTimeout)
	defer cancel()
	q.answers = nil
	return q.bucket.Append(ctx, q.answersKey, append(line, '\n'))
}

// Answers returns the last answer of each job and attempt. The file is read only
// while there are questions that it could answer, so that asking every second costs
// nothing while there are none: once [Decisions.Publish] was given none, what was read
// before is returned. An answer that another process gives then is seen when its
// question is asked again.
func (q *Decisions) Answers(ctx context.Context) ([]job.Answer, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.quiet || q.answers == nil {
		answers, err := q.readAnswers(ctx)
		if err != nil {
			return nil, err
		}
		q.answers = answers
	}
	return slices.Clone(q.answers), nil
}

// answerLines are the lines of the file of answers.
var answerLines = jsonl.Kind[job.Answer]{
	Start: `{"job":"`, Decode: decodeAnswer, Hint: "put back the file as it was, from a copy, or take out this line alone",
}

func decodeAnswer(line []byte) (a job.Answer, err error) {
	if err := json.Unmarshal(line, &a); err != nil {
		return a, err
	}
	return a, a.Check()
}

// readAnswers never returns nil without an error.
func (q *Decisions) readAnswers(ctx context.Context) ([]job.Answer, error) {
	last := []job.Answer{}
	for line, err := range answerLines.ReadObject(ctx, q.bucket, q.answersKey) {
		if err != nil {
			return nil, err
		}
		answer := line.Value
		last = slices.DeleteFunc(last, func(a job.Answer) bool { return a.Job == answer.Job && a.Attempt == answer.Attempt })
		last = append(last, answer)
	}
	return last, nil
}
