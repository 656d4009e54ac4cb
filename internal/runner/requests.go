package runner

import (
	"context"
	"errors"

	"nightshift/internal/backoff"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// requests are what a provider takes a place for in the request rate of an API key.
type requests struct {
	r      *Runner
	apiKey string
}

// provider is the API as an API key opens it, with its requests counted.
func (r *Runner) provider(apiKey string) (provider.Provider, error) {
	return r.APIKeys.Provider(apiKey, requests{r, apiKey})
}

// reader is the API with which to read what an API key has sent.
func (r *Runner) reader(apiKey string) (provider.Provider, error) {
	return r.provider(r.APIKeys.Reader(apiKey))
}

// Wait takes a place in the request rate for a read and waits for it.
func (q requests) Wait(ctx context.Context) error {
	return backoff.UntilGranted(ctx, func(ctx context.Context) error { return q.r.Admission.Request(ctx, q.apiKey) })
}

// Refused tells admission what a refused read says about the limits of the API key. One
// that was refused for the request rate is made again.
func (q requests) Refused(ctx context.Context, refusal error) (again bool, err error) {
	limit, limited := errors.AsType[*job.LimitError](refusal)
	access, refused := errors.AsType[*job.AccessError](refusal)
	if !limited && (!refused || access.Access != job.AccessKey) {
		return false, refusal
	}
	wait, failed := q.r.learn(ctx, q.apiKey, refusal)
	if failed != nil {
		return false, errors.Join(refusal, failed)
	}
	if wait != nil { // until the next look, which may wait for it here
		q.r.waits.setSide(listSide, wait)
	}
	return limited && limit.Limit == job.LimitRate, refusal
}

// Plenty reports whether requests are plenty. Where it cannot be said how scarce they
// are, they are taken to be.
func (q requests) Plenty(ctx context.Context) bool {
	spare, err := q.r.Admission.Spare(ctx, q.apiKey)
	return err == nil && spare > plenty
}
