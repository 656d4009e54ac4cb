package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// Transport returns a RoundTripper that asks the simulator without a network. It
// behaves as the network does: the body streams, a dropped connection is an error
// that wraps io.ErrUnexpectedEOF, and so is a body shorter than its declared
// length. Each request runs in a goroutine that ends when the handler returns,
// which it does at the latest when the response body is closed or the request's
// context ends.
func Transport(sim *Simulator) http.RoundTripper { return handlerTransport{sim} }

type handlerTransport struct{ handler http.Handler }

// errDropped is what a client sees of a dropped connection.
var errDropped = fmt.Errorf("connection reset by the simulator: %w", io.ErrUnexpectedEOF)

// RoundTrip asks the handler and returns as soon as it has begun to answer.
func (t handlerTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	exchange := newExchange(cancel)
	go exchange.serve(t.handler, serverRequest(ctx, request))
	select {
	case <-exchange.begun:
	case <-ctx.Done():
		exchange.abandon(context.Cause(ctx))
		return nil, context.Cause(ctx)
	}
	if exchange.status == 0 {
		cancel()
		return nil, errDropped
	}
	return exchange.response(request, ctx), nil
}

// serverRequest is the request as a server receives it.
func serverRequest(ctx context.Context, request *http.Request) *http.Request {
	received := request.Clone(ctx)
	received.RequestURI = request.URL.RequestURI()
	received.RemoteAddr = "in-process"
	if received.Host == "" {
		received.Host = request.URL.Host
	}
	if received.Body == nil {
		received.Body = http.NoBody
	}
	return received
}

// exchange is one request being answered; it is the handler's ResponseWriter.
type exchange struct {
	header http.Header
	sent   http.Header // header as it was when the answer began
	status int         // 0 until the answer begins
	begun  chan struct{}
	once   sync.Once
	reader *io.PipeReader
	writer *io.PipeWriter
	cancel context.CancelFunc
}

func newExchange(cancel context.CancelFunc) *exchange {
	reader, writer := io.Pipe()
	return &exchange{header: http.Header{}, begun: make(chan struct{}), reader: reader, writer: writer, cancel: cancel}
}

func (e *exchange) serve(handler http.Handler, request *http.Request) {
	end := io.EOF
	defer func() {
		if caught := recover(); caught != nil {
			if err, ok := caught.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(caught)
			}
			end = errDropped
		} else {
			e.WriteHeader(http.StatusOK)
			if cause := context.Cause(request.Context()); cause != nil {
				end = cause // an answer cut short must not look whole
			}
		}
		e.once.Do(func() { close(e.begun) })
		// CloseWithError of a pipe never fails.
		_ = e.writer.CloseWithError(end)
		_ = request.Body.Close()
	}()
	handler.ServeHTTP(e, request)
}

// Header is part of http.ResponseWriter.
func (e *exchange) Header() http.Header { return e.header }

// WriteHeader begins the answer; later calls change nothing.
func (e *exchange) WriteHeader(status int) {
	e.once.Do(func() {
		e.status, e.sent = status, e.header.Clone()
		close(e.begun)
	})
}

// Write hands bytes to the client and fails when it has gone.
func (e *exchange) Write(data []byte) (int, error) {
	e.WriteHeader(http.StatusOK)
	return e.writer.Write(data)
}

// Flush begins the answer; bytes are never held back.
func (e *exchange) Flush() { e.WriteHeader(http.StatusOK) }

// abandon ends the answer with an error: the client reads it, the handler's writes
// fail.
func (e *exchange) abandon(cause error) {
	e.cancel()
	// CloseWithError of a pipe never fails.
	_ = e.writer.CloseWithError(cause)
}

func (e *exchange) response(request *http.Request, ctx context.Context) *http.Response {
	length := int64(-1)
	if declared, err := strconv.ParseInt(e.sent.Get("Content-Length"), 10, 64); err == nil {
		length = declared
	}
	body := &exchangeBody{exchange: e, left: length}
	body.stop = context.AfterFunc(ctx, func() { e.abandon(context.Cause(ctx)) })
	return &http.Response{
		Status:     strconv.Itoa(e.status) + " " + http.StatusText(e.status),
		StatusCode: e.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: e.sent, Body: body, ContentLength: length, Request: request,
	}
}

// exchangeBody is the response body as a client reads it.
type exchangeBody struct {
	exchange *exchange
	left     int64 // bytes of the declared length still to come; negative is not known
	stop     func() bool
}

// Read returns io.ErrUnexpectedEOF where the body ends before its declared length.
func (b *exchangeBody) Read(data []byte) (int, error) {
	n, err := b.exchange.reader.Read(data)
	b.left -= int64(n)
	if err == io.EOF && b.left > 0 { //nolint:errorlint // only io.EOF itself is the end of a body
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close ends the request; a handler that still writes is told so.
func (b *exchangeBody) Close() error {
	b.stop()
	b.exchange.cancel()
	return b.exchange.reader.Close()
}
