package nights

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"nightshift/internal/job"
)

// wire is the way of a night's program to the provider. Requests and answers take
// some time on it, so that whatever comes in between does.
type wire struct {
	next http.RoundTripper

	turn   sync.Mutex // of rigged, which carries one submission at a time
	mu     sync.Mutex
	random *rand.Rand
	rigged func(paid *paidRequest, next func() (*http.Response, error)) (*http.Response, error)
	// hear is told of each request that was answered, or not; nil for nobody.
	hear func(r *http.Request, response *http.Response, err error)
}

// paidRequest is a submission on the wire.
type paidRequest struct {
	model  string
	inputs job.Inputs
	apiKey string // as the provider calls it
}

// errCut is what the program sees of a connection that was cut.
var errCut = fmt.Errorf("connection reset on the wire: %w", io.ErrUnexpectedEOF)

func newWire(next http.RoundTripper) *wire {
	return &wire{next: next, random: rand.New(rand.NewPCG(1, 1))}
}

// rig lets f carry the submissions from now on; next passes one on to the provider.
func (w *wire) rig(f func(paid *paidRequest, next func() (*http.Response, error)) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rigged = f
}

// RoundTrip is part of http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	there, back, rigged := w.delay(), w.delay(), w.rigged
	w.mu.Unlock()
	paid, err := readPaid(r)
	if err == nil {
		err = travel(r.Context(), there)
	}
	if err != nil {
		return nil, err
	}
	next := func() (*http.Response, error) { return w.next.RoundTrip(r) }
	var response *http.Response
	if paid != nil && rigged != nil {
		w.turn.Lock()
		response, err = rigged(paid, next)
		w.turn.Unlock()
	} else {
		response, err = next()
	}
	if w.hear != nil {
		w.hear(r, response, err)
	}
	if late := travel(r.Context(), back); late != nil {
		if response != nil {
			_ = response.Body.Close() // nobody reads it
		}
		return nil, late
	}
	return response, err
}

// delay is drawn anew for every way.
func (w *wire) delay() time.Duration {
	return 10*time.Millisecond + time.Duration(w.random.Int64N(int64(70*time.Millisecond)))
}

const generatePath = "/v1/generate/custom/"

// pays reports whether a request would start something.
func pays(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, generatePath) && !r.URL.Query().Has("dryRun")
}

// readPaid returns what a request would start, or nil if it starts nothing.
func readPaid(r *http.Request) (*paidRequest, error) {
	if !pays(r) {
		return nil, nil
	}
	model := strings.TrimPrefix(r.URL.Path, generatePath)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	inputs, err := job.DecodeInputs(body)
	name, _, known := r.BasicAuth()
	if err == nil && !known {
		err = errors.New("a submission without a key")
	}
	return &paidRequest{model: model, inputs: inputs, apiKey: name}, err
}

func travel(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
