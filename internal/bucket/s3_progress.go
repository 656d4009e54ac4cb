package bucket

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// stalledError ends a request in which no byte moved for too long.
type stalledError struct{ after time.Duration }

func (e *stalledError) Error() string {
	return fmt.Sprintf("nothing moved for %s", e.after)
}

// watched ends requests that make no progress, however long those may take that do.
// The time in which a body has nothing to send, or nobody reads the answer, does
// not count: then the server is not what is waited for.
//
// When a request is over for its caller, its body is not read any more: the body's
// memory may be used for something else.
type watched struct {
	next  http.RoundTripper
	stall time.Duration
}

func (w watched) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	dog := &watchdog{after: w.stall, bark: func() { cancel(&stalledError{w.stall}) }}
	out := request.WithContext(ctx)
	// The SDK leaves this open, and without it the transport does not wait for the
	// server's leave to send a body.
	out.Proto, out.ProtoMajor, out.ProtoMinor = "HTTP/1.1", 1, 1
	var sent *watchedBody
	if request.Body != nil && request.Body != http.NoBody {
		sent = &watchedBody{body: request.Body, dog: dog, closed: make(chan struct{})}
		out.Body, out.GetBody = sent, nil
	}
	dog.watch()
	response, err := w.next.RoundTrip(out)
	dog.rest()
	if err != nil {
		cancel(nil)
		sent.wait()
		return nil, causeOf(ctx, err)
	}
	response.Body = &watchedAnswer{body: response.Body, ctx: ctx, dog: dog, end: func() {
		cancel(nil)
		sent.wait()
	}}
	return response, nil
}

// causeOf tells the stall from the cancelled context that it shows as.
func causeOf(ctx context.Context, err error) error {
	if stalled, ok := context.Cause(ctx).(*stalledError); ok { //nolint:errorlint // it is the cause itself or none
		return stalled
	}
	return err
}

// watchdog barks when it was not called for a time while it watched.
type watchdog struct {
	after time.Duration
	bark  func()
	mu    sync.Mutex
	timer *time.Timer
}

func (d *watchdog) watch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer == nil {
		d.timer = time.AfterFunc(d.after, d.bark)
		return
	}
	d.timer.Reset(d.after)
}

func (d *watchdog) rest() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
}

// watchedBody is what is sent.
type watchedBody struct {
	body   io.ReadCloser
	dog    *watchdog
	once   sync.Once
	closed chan struct{}
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.dog.rest()
	n, err := b.body.Read(p)
	b.dog.watch()
	return n, err
}

func (b *watchedBody) Close() error {
	defer b.once.Do(func() { close(b.closed) })
	return b.body.Close()
}

// wait returns when the transport has let go of the body.
func (b *watchedBody) wait() {
	if b != nil {
		<-b.closed
	}
}

// watchedAnswer is what comes back.
type watchedAnswer struct {
	body io.ReadCloser
	ctx  context.Context
	dog  *watchdog
	end  func()
}

func (a *watchedAnswer) Read(p []byte) (int, error) {
	a.dog.watch()
	n, err := a.body.Read(p)
	a.dog.rest()
	if err != nil && err != io.EOF { //nolint:errorlint // a reader's own answer
		err = causeOf(a.ctx, err)
	}
	return n, err
}

func (a *watchedAnswer) Close() error {
	err := a.body.Close()
	a.dog.rest()
	a.end()
	return err
}
