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

// Quote asks by a dry run what an inference would cost, without starting it. It returns a
// [job.ProviderError] that wraps [job.ErrInvalid] where the inputs are refused, a
// [job.AccessError], a [job.LimitError], or a plain error that may pass. A
// [job.PaidDryRunError] says that it started the inference all the same: asking
// again, for whatever price, may cost again.
//
// Scenario API: dryRun is honoured as a query parameter only, in the body it is
// ignored and the run is paid. The answer has status 269. A dry run that passes
// does not promise that the inference passes.
func (c *Client) Quote(ctx context.Context, r job.Request) (job.Quote, error) {
	model := r.Model
	about := fmt.Sprintf("dry run on model %q", model)
	if err := checkID("a model", model); err != nil {
		return job.Quote{}, fmt.Errorf("%s: %w", about, err)
	}
	reply, err := c.free(ctx, call{
		op:     OpDryRun,
		method: http.MethodPost,
		path:   []string{"generate", "custom", model},
		query:  url.Values{"dryRun": {"true"}},
		data:   encode(r.Inputs),
	}, (*refusal).toRun)
	if err != nil {
		return job.Quote{}, fmt.Errorf("%s: %w", about, err)
	}
	quote, err := readQuote(model, reply)
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

func readQuote(model string, reply *reply) (job.Quote, error) {
	record, err := decode[quoteRecord](reply)
	if err != nil {
		return job.Quote{}, err
	}
	total, ok := amount(record.CreativeUnitsCost)
	if record.started() {
		return job.Quote{}, withAdvice(&job.PaidDryRunError{Model: model, Inference: record.id(), Cost: total, CostKnown: ok})
	}
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

// withAdvice adds what a person should look at.
func withAdvice(paid *job.PaidDryRunError) error {
	run := "the inferences of the last minutes"
	if paid.Inference != "" {
		run = "inference " + paid.Inference + " and those started with it"
	}
	return &job.HintedError{
		Err: paid,
		Hint: "The API did not see dryRun=true. Before planning again, check that the base URL and any proxy keep the query " +
			"of a request. Look at " + run + " on the provider's side: they are charged.",
	}
}
