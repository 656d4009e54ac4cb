package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"nightshift/internal/job"
)

const (
	maxReply   = 8 << 20  // bytes of a JSON reply; the API's gateway stops at 6 MB
	maxRefusal = 64 << 10 // bytes read of the body of a refusal
)

// call is one request to the API.
type call struct {
	op       Operation
	method   string
	path     []string // below the base, not yet escaped
	query    url.Values
	data     []byte        // the body of a call that costs nothing; nil where there is none
	body     io.ReadCloser // of a paid one, which can be read once
	length   int64         // of body
	deadline time.Duration
}

// reply is what came back, read to its end or bound.
type reply struct {
	op      Operation // that was asked for
	project string    // for which it was
	status  int
	header  http.Header
	body    []byte
}

func (r *reply) success() bool { return r.status >= 200 && r.status <= 299 }

// unsentError is an error before anything was handed to the transport.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// exchange sends one request and reads the reply, whatever its status. An error
// means that there is no whole reply.
func (c *Client) exchange(ctx context.Context, call call) (*reply, error) {
	if ctx.Err() != nil {
		return nil, &unsentError{cause(ctx)}
	}
	bounded, cancel := context.WithTimeout(ctx, call.deadline)
	defer cancel()
	request, err := c.request(bounded, call)
	if err != nil {
		return nil, &unsentError{err}
	}
	c.observe(call.op)
	sent := c.clock.read()
	response, err := c.api.Do(request)
	if err != nil {
		return nil, explain(ctx, bounded, call.deadline, err)
	}
	defer response.Body.Close()
	c.clock.learn(sent, response.Header)
	reply := &reply{op: call.op, project: c.project, status: response.StatusCode, header: response.Header}
	if !reply.success() {
		// The status alone decides; a body that breaks off costs only words.
		reply.body, _ = io.ReadAll(io.LimitReader(response.Body, maxRefusal))
		return reply, nil
	}
	reply.body, err = io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	if err != nil {
		return nil, fmt.Errorf("read the reply: %w", explain(ctx, bounded, call.deadline, err))
	}
	if len(reply.body) > maxReply {
		return nil, fmt.Errorf("the reply is larger than %d bytes", maxReply)
	}
	return reply, nil
}

// read makes a call that looks something up.
func (c *Client) read(ctx context.Context, call call) (*reply, error) {
	return c.free(ctx, call, (*refusal).toRead)
}

// free makes a call that costs nothing, so that it can be repeated: that is done only
// where it was refused for the request rate, by who counts the requests.
func (c *Client) free(ctx context.Context, call call, refused func(*refusal) error) (*reply, error) {
	if call.deadline == 0 {
		call.deadline = c.deadlines.read
	}
	for {
		if err := c.requests.Wait(ctx); err != nil {
			return nil, &unsentError{err}
		}
		if call.data != nil {
			call.body, call.length = io.NopCloser(bytes.NewReader(call.data)), int64(len(call.data))
		}
		reply, err := c.exchange(ctx, call)
		switch {
		case err != nil:
			return nil, err
		case reply.header.Get("Age") != "" && (call.op == OpJob || call.op == OpJobs || call.op == OpMade || call.op == OpUsages):
			return nil, fmt.Errorf("the reply is %s s old, out of a cache between here and the API", c.clean(reply.header.Get("Age")))
		case reply.success():
			return reply, nil
		}
		again, err := c.requests.Refused(ctx, refused(c.refusal(reply)))
		if !again {
			return nil, err
		}
	}
}

// request builds the HTTP request. It sets no GetBody and no idempotency header,
// because with either of them net/http may send a POST a second time when a kept
// connection breaks.
func (c *Client) request(ctx context.Context, call call) (*http.Request, error) {
	query := url.Values{}
	maps.Copy(query, call.query)
	if c.project != "" {
		query.Set("projectId", c.project)
	}
	escaped := make([]string, len(call.path))
	for i, part := range call.path {
		escaped[i] = url.PathEscape(part)
	}
	address := c.base.String() + "/" + strings.Join(escaped, "/")
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, call.method, address, nil)
	if err != nil {
		return nil, withoutAddress(err)
	}
	if call.body != nil {
		request.Body, request.ContentLength, request.GetBody = call.body, call.length, nil
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("User-Agent", "nightshift")
	c.authorize(request)
	return request, nil
}

// checkID refuses an id that would make the address of another thing: GET /jobs/
// with an empty id is the list of all jobs.
func checkID(kind, id string) error {
	if id == "" || id == "." || id == ".." {
		return fmt.Errorf("%w: %q is not the id of %s", job.ErrInvalid, id, kind)
	}
	return nil
}

// explain says why there is no reply: because the caller stopped waiting, because
// the deadline of this call passed, or for the reason that the network gave.
func explain(caller, bounded context.Context, deadline time.Duration, err error) error {
	switch {
	case caller.Err() != nil:
		return cause(caller)
	case bounded.Err() != nil:
		return fmt.Errorf("no answer within %s", deadline)
	default:
		return withoutAddress(err)
	}
}

// cause is why ctx ended, matching both the context's error and its cause.
func cause(ctx context.Context) error {
	err, why := ctx.Err(), context.Cause(ctx)
	if errors.Is(why, err) {
		return why
	}
	return fmt.Errorf("%w: %w", err, why)
}

// withoutAddress takes the address out of an error of net/http or net/url: the
// address of an image is a secret, and that of the API says nothing new.
func withoutAddress(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
