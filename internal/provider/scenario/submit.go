package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"nightshift/internal/job"
)

// Submit starts an inference and pays for it. It sends exactly one request and never
// repeats it. Nothing is sent any more once the time late has come, if that is not zero:
// somebody else may then act as if nothing was sent. It is looked at last when a
// connection is there and the request is about to be written.
//
// An error that is or wraps a [job.UnknownOutcomeError] says that the inference
// may have been started: look it up with [Client.Find] before sending it again.
// With every other error the provider has not accepted the inference and nothing
// was paid: wrapping [job.ErrInvalid] with the provider's words, a
// [job.AccessError], a [job.LimitError], or a plain error (no connection, the
// context had ended) after which the inference may be sent again.
//
// Scenario API: there is no idempotency key, and an inference cannot be
// cancelled once it was accepted.
func (c *Client) Submit(ctx context.Context, late time.Time, r job.Request) (*job.Inference, error) {
	about := fmt.Sprintf("submit inference on model %q", r.Model)
	if err := checkID("a model", r.Model); err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	began := time.Now()
	run, err := c.submit(ctx, late, r.Model, encode(r.Inputs))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, ofAsset(r, err))
	}
	if run.Model == "" {
		run.Model = r.Model
	}
	if !differs(run, &r) { // a receipt that names another request's run tells of that one
		c.receipts.learn(run.CreatedAt, began, time.Now())
		c.names.learn(run.ProviderKeyID)
	}
	return run, nil
}

// ofAsset says of a refusal which of the request's pictures the API does not have. Scenario
// API: the words are not known for certain, by analogy "Asset <id> not found".
func ofAsset(r job.Request, err error) error {
	said, ok := errors.AsType[*job.ProviderError](err)
	if !ok || !errors.Is(err, job.ErrInvalid) || !strings.Contains(strings.ToLower(said.Words), "not found") {
		return err
	}
	gone := ""
	r.Inputs.WithPictures(r.PictureInputs, func(asset string) string {
		if gone == "" && mentions(said.Words, asset) {
			gone = asset
		}
		return asset
	})
	if gone == "" {
		return err
	}
	return &job.AssetGoneError{Asset: gone, Err: err}
}

func (c *Client) submit(ctx context.Context, late time.Time, model string, body []byte) (*job.Inference, error) {
	sending := &sending{late: late}
	reply, err := c.exchange(sending.watch(ctx), call{
		op:       OpSubmit,
		method:   http.MethodPost,
		path:     []string{"generate", "custom", model},
		body:     sending.body(body),
		length:   int64(len(body)),
		deadline: c.deadlines.submit,
	})
	switch {
	case err != nil && sending.neverLeft(err):
		return nil, err
	case err != nil:
		return nil, &job.UnknownOutcomeError{Err: err}
	case reply.success():
		return c.receipt(reply)
	}
	refusal := c.refusal(reply)
	if refusal.proven() {
		return nil, refusal.toRun()
	}
	return nil, &job.UnknownOutcomeError{Err: refusal.plain()}
}

// receipt reads the accepted inference from the reply. Where its id cannot be
// read, it is unknown what was accepted.
func (c *Client) receipt(reply *reply) (*job.Inference, error) {
	record, err := decode[jobReply](reply)
	if err == nil && record.id() == "" {
		err = errors.New("the reply names no job")
	}
	if err != nil {
		return nil, &job.UnknownOutcomeError{Err: err}
	}
	run := c.inference(record.Job.jobRecord)
	run.ID = record.id()
	return &run, nil
}
