package bucket_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/s3test"
)

// TestSlowBodiesAreNotStalled sends a body that takes several times as long as a
// server may be silent, with pauses of its own that are longer than that.
func TestSlowBodiesAreNotStalled(t *testing.T) {
	t.Parallel()
	b := newS3(t, s3test.Start(t), shortStall)
	probe(t, b)
	file := buckettest.PNG(200, 100, 1)
	left := bytes.NewReader(file)
	slow := readerFunc(func(p []byte) (int, error) {
		pause := time.NewTimer(100 * time.Millisecond)
		defer pause.Stop()
		if left.Len() < len(file)/2 {
			pause.Reset(300 * time.Millisecond)
		}
		<-pause.C
		return left.Read(p[:min(len(p), len(file)/8)])
	})
	if _, err := putImage(t, b, slow, len(file), meta); err != nil {
		t.Errorf("PutImage: %v", err)
	}
	if got := text(t, b, "batch/a.png"); got != string(file) {
		t.Errorf("the image came back as %d other bytes", len(got))
	}
}

// TestAnswersThatStallAreAskedForAgain lets a server fall silent in the middle of
// an object.
func TestAnswersThatStallAreAskedForAgain(t *testing.T) {
	t.Parallel()
	isGet := func(r *http.Request) bool { return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "large") }
	stalls := newTrouble(isGet, stallAnswer, 1)
	b := newS3(t, s3test.Memory(t), through(stalls.see), shortStall)
	want := strings.Repeat("x", 300_000)
	if err := b.Put(t.Context(), "batch/large", strings.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	if got := text(t, b, "batch/large"); got != want {
		t.Errorf("%d bytes came back", len(got))
	}
	if stalls.hit.Load() != 1 {
		t.Errorf("it fell silent %d times", stalls.hit.Load())
	}
	dead := newTrouble(isGet, noAnswer, always)
	if _, err := newS3(t, s3test.Memory(t), through(dead.see), shortStall).Open(t.Context(), "batch/large"); !waitsForStorage(err) {
		t.Errorf("Open on a server that does not answer: %v", err)
	}
}

// stallAnswer lets the first bytes of an answer through and then nothing, until
// the request is over.
func stallAnswer(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	response, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	whole := response.Body
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(whole, 100_000), readerFunc(func([]byte) (int, error) {
		<-r.Context().Done()
		return 0, r.Context().Err()
	})), whole}
	return response, nil
}

// TestBodyIsLeftAloneAfterAnError looks whether a body is read after PutImage came
// back, when its memory may be somebody else's. A transport may answer before it has
// let go of the body, and this one does.
func TestBodyIsLeftAloneAfterAnError(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		hasty := newTrouble(isPut("a.png"), func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			go func() {
				defer r.Body.Close()
				for buffer := make([]byte, 100); ; {
					if _, err := r.Body.Read(buffer); err != nil {
						return
					}
				}
			}()
			return nil, syscall.ECONNRESET
		}, 0)
		b := newS3(t, server, through(hasty.see))
		probe(t, b)
		hasty.left.Store(always)
		file := buckettest.PNG(300, 200, 1)
		var over atomic.Bool
		left := bytes.NewReader(file)
		body := readerFunc(func(p []byte) (int, error) {
			if over.Load() {
				t.Error("the body is read after PutImage ended")
			}
			return left.Read(p[:min(len(p), 100)])
		})
		_, err := putImage(t, b, body, len(file), meta)
		over.Store(true)
		if !waitsForStorage(err) {
			t.Errorf("PutImage = %v", err)
		}
	})
}
