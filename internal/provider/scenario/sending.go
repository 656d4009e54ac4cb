package scenario

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"nightshift/internal/job"
)

// sending watches one paid request on its way out, to tell afterwards whether any
// of it can have reached the provider.
//
// It believes the transport only when the transport has shown that it reports:
// one that never says that it looks for a connection may have delivered the
// request without a word. net/http ends its writing before it returns an error
// for a request, so what is known then is final.
type sending struct {
	late     time.Time   // when nothing may be sent any more; zero for never
	reports  atomic.Bool // the transport calls the hooks
	written  atomic.Bool // the head of the request was written, perhaps not yet flushed
	bodyRead atomic.Bool // somebody has read from the body
}

// watch returns a context whose request is watched.
func (s *sending) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:          func(string) { s.reports.Store(true) },
		WroteHeaderField: func(string, []string) { s.written.Store(true) },
		WroteHeaders:     func() { s.written.Store(true) },
	})
}

// body returns data as a request's body. It is of a type that net/http cannot
// rewind, so that it cannot send the request again either.
func (s *sending) body(data []byte) io.ReadCloser {
	return &watchedBody{data: bytes.NewReader(data), late: s.late, read: &s.bodyRead}
}

// neverLeft reports whether it is certain that the provider has not received the
// request that ended with err.
func (s *sending) neverLeft(err error) bool {
	if _, ok := errors.AsType[*unsentError](err); ok {
		return true
	}
	if errors.Is(err, errLate) {
		return true // of the request its head went out at the most
	}
	if s.written.Load() {
		return false
	}
	if s.reports.Load() {
		return !s.bodyRead.Load()
	}
	return establishing(err)
}

// establishing reports whether err says that no connection came about.
func establishing(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

var errLate = errors.New("the process stood still before it could send, or found no connection in time")

// watchedBody notes that it was read, and cannot be once it is late.
type watchedBody struct {
	data *bytes.Reader
	late time.Time
	read *atomic.Bool
}

func (b *watchedBody) Read(p []byte) (int, error) {
	if !b.late.IsZero() && !time.Now().Before(b.late) && !b.read.Load() {
		return 0, errLate
	}
	b.read.Store(true)
	return b.data.Read(p)
}

func (b *watchedBody) Close() error { return nil }

// encode writes inputs as the body of a request; no inputs are an empty object.
func encode(inputs job.Inputs) []byte {
	if len(inputs) == 0 {
		return []byte("{}")
	}
	return inputs.Canonical()
}
