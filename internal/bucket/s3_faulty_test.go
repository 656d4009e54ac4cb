package bucket_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"nightshift/internal/bucket"
)

// between stands between a bucket and its server and sees every request.
type between func(request *http.Request, next http.RoundTripper) (*http.Response, error)

// through puts it there.
func through(see between) func(*bucket.S3Options) {
	return func(o *bucket.S3Options) {
		o.Wrap = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) { return see(r, next) })
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// trouble is something that goes wrong with some of the requests, while it is on.
type trouble struct {
	match func(*http.Request) bool
	do    between
	left  atomic.Int64 // how many requests it is for yet
	hit   atomic.Int64
}

func newTrouble(match func(*http.Request) bool, do between, requests int64) *trouble {
	t := &trouble{match: match, do: do}
	t.left.Store(requests)
	return t
}

func (t *trouble) see(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	if t.match(r) && t.left.Add(-1) >= 0 {
		t.hit.Add(1)
		return t.do(r, next)
	}
	return next.RoundTrip(r)
}

const always = 1 << 40

// isPut matches what stores an object under a key with this in it, and not the
// probe of the server.
func isPut(part string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == http.MethodPut && strings.Contains(r.URL.Path, part) }
}

// answer answers as a server would, without one.
func answer(status int, code string) between {
	return func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		text := "<Error><Code>" + code + "</Code><Message>on purpose</Message></Error>"
		return &http.Response{
			StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
		}, nil
	}
}

// reset breaks the connection in the middle of the body.
func reset(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.CopyN(io.Discard, r.Body, 1000)
		r.Body.Close()
	}
	return nil, syscall.ECONNRESET
}

// noAnswer takes the request and never answers.
func noAnswer(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// loseAnswer lets the server do its work and loses what it says.
func loseAnswer(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	response, err := next.RoundTrip(r)
	if err == nil {
		response.Body.Close()
	}
	return nil, syscall.ECONNRESET
}

// counter counts requests by method and how many of them went at a time.
type counter struct {
	mu      sync.Mutex
	methods map[string]int
	now     int
	most    int
}

func (c *counter) see(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	c.mu.Lock()
	if c.methods == nil {
		c.methods = map[string]int{}
	}
	c.methods[r.Method]++
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}()
	return next.RoundTrip(r)
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.methods, c.most = nil, 0
}

// once is a body that can be read one time only, as a download.
func once(data []byte) io.Reader { return struct{ io.Reader }{strings.NewReader(string(data))} }

func probe(t testing.TB, b *bucket.S3) bucket.Findings {
	t.Helper()
	found, err := b.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}
