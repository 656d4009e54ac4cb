package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type resolveOptions struct {
	out    string
	json   bool
	run    string // the inference that is the job's own
	resend bool
}

// resolve is the command resolve: it shows the lost replies of a batch of which only
// a person can tell what became of them, and takes the answer.
func resolve(ctx context.Context, p app.Process, s config.Settings, args []string, o resolveOptions) (failed error) {
	logger, err := app.NewLogger(p.Stderr, s, slog.LevelError)
	if err != nil {
		return err
	}
	b, err := app.InBucket(o.out)(ctx, s, logger)
	if err != nil {
		return err
	}
	id, err := batchToResolve(ctx, b, args[0])
	if err != nil {
		return err
	}
	if len(args) == 2 {
		unlock, err := b.Lock(ctx, id+"/"+batch.AnswersLock)
		if err != nil {
			return &job.InputError{Err: fmt.Errorf("somebody else answers at this moment: %w", err)}
		}
		defer func() { failed = errors.Join(failed, unlock()) }()
	}
	questions := batch.NewDecisions(b, id)
	open, err := questions.Open(ctx)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return showQuestions(p.Stdout, args[0], open, o)
	}
	question, err := pick(open, args[1])
	if err != nil {
		return &job.InputError{Err: &job.HintedError{Err: err, Hint: "enqueue resolve " + o.outFlag() + text.Quote(args[0]) + " lists what is"}}
	}
	answer, err := o.answer(question)
	if err != nil {
		return &job.InputError{Err: err}
	}
	if err := notTwice(ctx, questions, answer); err != nil {
		return err
	}
	if err := questions.Answer(ctx, answer); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "noted: %s\n", decided(question, answer))
	return err
}

// batchToResolve is the batch that an argument means: that of a manifest, whether it was
// run or not, or one that is in the bucket.
func batchToResolve(ctx context.Context, b bucket.Objects, arg string) (string, error) {
	m, err := manifest.Open(arg)
	if err == nil {
		return m.Batch(), (&view.View{Bucket: b}).CheckSource(ctx, m, arg)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		if info, statErr := os.Stat(arg); statErr != nil || info.Mode().IsRegular() {
			return "", app.AsInput(err)
		}
	}
	return (&view.View{Bucket: b}).Find(ctx, arg)
}

// pick finds a question by the job's id or its row.
func pick(open []job.Decision, name string) (job.Decision, error) {
	at := slices.IndexFunc(open, func(q job.Decision) bool { return string(q.Job) == name || q.Row == name })
	if at < 0 {
		return job.Decision{}, fmt.Errorf("nothing is asked about job %q", name)
	}
	return open[at], nil
}

// answer checks what the person said against the question.
func (o resolveOptions) answer(q job.Decision) (job.Answer, error) {
	answer := job.Answer{Job: q.Job, Attempt: q.Attempt, Inference: o.run, At: time.Now()}
	switch {
	case o.resend == (o.run != ""):
		return answer, fmt.Errorf("say what became of job %s: --run INFERENCE if that is its own, --resend if it was never accepted", q.Row)
	case o.resend:
		return answer, nil
	case !slices.ContainsFunc(q.Candidates, func(c job.Candidate) bool { return c.Inference == o.run }):
		return answer, fmt.Errorf("inference %q is none of the candidates of job %s: %s", o.run, q.Row, strings.Join(inferences(q), ", "))
	default:
		return answer, nil
	}
}

// notTwice refuses to give one inference to two jobs.
func notTwice(ctx context.Context, questions *batch.Decisions, answer job.Answer) error {
	answers, err := questions.Answers(ctx)
	if err != nil || answer.Inference == "" {
		return err
	}
	for _, other := range answers {
		if other.Inference == answer.Inference && other.Job != answer.Job {
			return &job.InputError{Err: fmt.Errorf("inference %s was given to job %s already", answer.Inference, other.Job)}
		}
	}
	return nil
}

func inferences(q job.Decision) []string {
	ids := make([]string, len(q.Candidates))
	for i, c := range q.Candidates {
		ids[i] = c.Inference
	}
	return ids
}

func decided(q job.Decision, a job.Answer) string {
	if a.Inference == "" {
		return fmt.Sprintf("%s was never accepted; it is sent again, and paid, by a run of the batch", q.Row)
	}
	return fmt.Sprintf("%s is inference %s; a run of the batch collects it", q.Row, a.Inference)
}

// outFlag is the flag --out as it was given, for further commands.
func (o resolveOptions) outFlag() string {
	if o.out == "" {
		return ""
	}
	return "--out " + text.Quote(o.out) + " "
}

func showQuestions(out io.Writer, file string, open []job.Decision, o resolveOptions) error {
	if o.json {
		return text.WriteIndentedJSON(out, map[string]any{"questions": open})
	}
	if len(open) == 0 {
		_, err := fmt.Fprintln(out, "nothing to decide")
		return err
	}
	fmt.Fprintf(out, "The replies to %s were lost, and the provider's list does not tell\nwhich of its inferences are theirs. Their CU stay reserved; nothing is sent again by itself.\n\n", text.Count(len(open), "submission"))
	for _, q := range open {
		fmt.Fprintf(out, "%s  job %s, sent %s with key %s, %s CU\n", q.Row, q.Job, text.Moment(q.Sent), q.APIKey, q.Amount)
		fmt.Fprintf(out, "  %s\n", text.Clean(q.Prompt, 90))
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, c := range q.Candidates {
			fmt.Fprintf(table, "  --run %s\tmade %s\t%s\t%s CU\n", c.Inference, text.Moment(c.Made), c.Status, c.Billed)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, `
Look at the candidates at the provider, then for each job:
  enqueue resolve %[1]s JOB --run INFERENCE   it is that one: collect it
  enqueue resolve %[1]s JOB --resend          it was never accepted: send and pay it again
`, o.outFlag()+text.Quote(file))
	return err
}
