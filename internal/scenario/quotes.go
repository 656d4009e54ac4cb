package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"nightshift/internal/job"
)

// DryRun asks what an inference would cost, without starting it. It returns an
// error that wraps [job.ErrInvalid] with the provider's words where the inputs
// are refused, a [job.AccessError], a [job.LimitError], or a plain error that may
// pass.
//
// Scenario API: dryRun is honoured as a query parameter only, in the body it is
// ignored and the run is paid. The answer has status 269. A dry run that passes
// does not promise that the inference passes.
func (c *Client) DryRun(ctx context.Context, model string, inputs job.Inputs) (job.Quote, error) {
	about := fmt.Sprintf("dry run on model %q", model)
	if err := checkID("a model", model); err != nil {
		return job.Quote{}, fmt.Errorf("%s: %w", about, err)
	}
	call := call{
		op:       OpDryRun,
		method:   http.MethodPost,
		path:     []string{"generate", "custom", model},
		query:    url.Values{"dryRun": {"true"}},
		deadline: c.deadlines.read,
	}
	call.setBody(encode(inputs))
	reply, err := c.exchange(ctx, call)
	if err != nil {
		return job.Quote{}, fmt.Errorf("%s: %w", about, err)
	}
	if !reply.success() {
		return job.Quote{}, fmt.Errorf("%s: %w", about, c.refusal(reply).toRun())
	}
	quote, err := readQuote(reply)
	if err != nil {
		return job.Quote{}, fmt.Errorf("%s: %w", about, err)
	}
	return quote, nil
}

// quoteRecord is the reply to a dry run. The job in it is absent or empty unless
// something went badly wrong.
type quoteRecord struct {
	jobReply
	CreativeUnitsCost loose[json.Number]
	CostDetails       loose[map[string]loose[json.Number]]
}

func readQuote(reply *reply) (job.Quote, error) {
	record, err := decode[quoteRecord](reply)
	if err != nil {
		return job.Quote{}, err
	}
	if id := record.id(); id != "" {
		return job.Quote{}, paidDryRun(id)
	}
	total, ok := amount(record.CreativeUnitsCost)
	if !ok {
		return job.Quote{}, errors.New("the reply names no price (creativeUnitsCost)")
	}
	parts := make(map[string]job.CU, len(record.CostDetails.Value))
	for name, number := range record.CostDetails.Value {
		part, ok := amount(number)
		if !ok {
			return job.Quote{}, fmt.Errorf("the part %q of the price is not an amount", name)
		}
		parts[name] = part
	}
	return job.Quote{Total: total, Parts: parts}, nil
}

// paidDryRun is invalid in kind, so that nobody asks again: each time may cost.
func paidDryRun(id string) error {
	return &job.HintedError{
		Err: fmt.Errorf("%w: the dry run started inference %s, which is PAID", job.ErrInvalid, id),
		Hint: "The API did not honour dryRun=true. Stop pricing against it, look at inference " + id +
			" on the provider's side, and check that the base URL and any proxy keep the query of a request.",
	}
}
