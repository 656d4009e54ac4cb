package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"nightshift/internal/app"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/text"
)

// price is what a command is about to spend.
type price struct {
	batch        string
	mode         job.Mode
	jobs, images int
	cost         job.CU
	paid         job.CU  // of the cost, for what earlier runs have sent
	budget       *job.CU // of the manifest; nil if it has none
}

// priceOf is what a plan of the session's manifest costs.
func (o *session) priceOf(p *plan.Plan) price {
	paid := job.CU(0)
	if p.UnderWay != nil {
		paid = min(p.UnderWay.CU, p.Cost)
	}
	return price{o.Batch, o.manifest.Mode, p.ToRun(), p.ImagesToRun, p.Cost, paid, o.manifest.Budget}
}

// words say the price to a person.
func (c *price) words() string {
	words := fmt.Sprintf("%s, %s: %s CU (%s)", text.Count(c.jobs, "job"), text.Count(c.images, "image"), c.cost, c.mode)
	if c.paid > 0 {
		words += fmt.Sprintf(", of which %s are paid already", c.paid)
	}
	return words
}

// asks reports whether a person has to agree: in mode live, where it costs real money.
func (c *price) asks() bool { return c.mode == job.Live && c.cost > c.paid }

// agree makes sure that somebody wants to pay the price: by --yes, by the answer of the
// person at the terminal or, where nobody can be asked, by the budget of the manifest.
func (c *price) agree(ctx context.Context, p app.Process, yes bool) error {
	switch {
	case yes || !c.asks():
		return nil
	case atTerminal(p):
		return c.ask(ctx, p.Stdin, p.Stdout)
	case c.budget != nil:
		return nil
	default:
		return &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("batch %s is live, %s, and nobody can be asked here whether to spend that", c.batch, c.words()),
			Hint: "add --yes, or give the manifest a budget: {cu: " + c.cost.String() + "}",
		}}
	}
}

// ask asks the person at the terminal.
func (c *price) ask(ctx context.Context, in io.Reader, out io.Writer) error {
	if _, err := fmt.Fprintf(out, "%s: %s\nSpend up to %s CU? [y/N] ", text.Clean(c.batch, text.Short), c.words(), c.cost-c.paid); err != nil {
		return err
	}
	answer := make(chan string, 1)
	go func() { // it ends with the process, should the person never answer
		line, _ := bufio.NewReader(in).ReadString('\n') // at the end of the input the answer is no
		answer <- line
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return &job.InputError{Err: &job.HintedError{
			Err: errors.New("not agreed to; nothing was submitted and nothing is spent"), Hint: "answer y, or add --yes",
		}}
	}
}

// atTerminal reports whether a person can be asked.
func atTerminal(p app.Process) bool {
	for _, end := range []any{p.Stdin, text.Below(p.Stdout)} {
		file, ok := end.(*os.File)
		if !ok || !term.IsTerminal(int(file.Fd())) {
			return false
		}
	}
	return true
}
