package scenario

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

const signed = "Policy=abc&Signature=topsecretsignature&Key-Pair-Id=K1"

func TestDownload(t *testing.T) {
	t.Parallel()
	image := bytes.Repeat([]byte("0123456789"), 100_000)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asked for %s, which hides the length", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(image)))
		_, _ = w.Write(image)
	})
	observed := 0
	client, err := New(Options{BaseURL: server.URL, Key: testKey, Observe: func(Operation) { observed++ }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	body, length, err := client.Download(t.Context(), job.Link(server.URL+"/a.png?"+signed))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(got, image) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	if length != int64(len(image)) || observed != 0 {
		t.Errorf("length %d, observed %d", length, observed)
	}
}

func TestDownloadLengthUnknown(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "some")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, " bytes")
	})
	body, length, err := newClient(t, server.URL).Download(t.Context(), job.Link(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if length != -1 || string(got) != "some bytes" || err != nil {
		t.Errorf("length %d, %q, %v", length, got, err)
	}
}

// The image's hosts must learn neither the key nor each other's signed links.
func TestDownloadTellsNobodyAnything(t *testing.T) {
	t.Parallel()
	var seen []http.Header
	record := func(r *http.Request) { seen = append(seen, r.Header.Clone()) }
	last := serve(t, func(w http.ResponseWriter, r *http.Request) {
		record(r)
		_, _ = io.WriteString(w, "image")
	})
	second := serve(t, func(w http.ResponseWriter, r *http.Request) {
		record(r)
		target := strings.Replace(last.URL, "http://", "http://user:password@", 1)
		http.Redirect(w, r, target+"/final?Signature=2", http.StatusTemporaryRedirect)
	})
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		record(r)
		target := map[string]string{"/assets/1": "../moved/1?Signature=1", "/moved/1": second.URL + "/x"}[r.URL.Path]
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusFound)
	})
	client := clientWith(t, first.URL, "127.0.0.1")
	body, length, err := client.Download(t.Context(), job.Link(first.URL+"/assets/1?"+signed))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); string(got) != "image" || length != 5 || err != nil {
		t.Errorf("got %q of %d, %v", got, length, err)
	}
	plain := http.Header{"User-Agent": {"nightshift"}}
	if diff := cmp.Diff([]http.Header{plain, plain, plain, plain}, seen); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestDownloadRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		gone    bool
	}{
		{"expired", answer(403, "<Error><Code>AccessDenied</Code></Error>"), true},
		{"not found", answer(404, ""), true},
		{"gone", answer(410, ""), true},
		{"busy", answer(503, ""), false},
		{"too many", answer(429, ""), false},
		{"not found out", answer(204, ""), false},
		{"part of it", answer(206, "part"), false},
		{"round in circles", redirectTo(302), false},
		{"redirect to nowhere", answer(302, ""), false},
		{"redirect to a file", to("file:///etc/passwd"), false},
		{"redirect to no host", to("https:///a.png?" + signed), false},
		{"redirect to nonsense", to("http://%zz/" + signed), false},
		{"redirect to a closed port", to("http://127.0.0.1:1/" + signed), false},
		{"not HTTP", func(w http.ResponseWriter, _ *http.Request) { hijack(w, "nothing\r\n\r\n") }, false},
		{"hangs up", func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, test.handler)
			_, _, err := newClient(t, server.URL).Download(t.Context(), job.Link(server.URL+"/1?"+signed))
			wantQuietError(t, err)
			if strings.Contains(err.Error(), "download") {
				t.Errorf("%v: the caller says that, and of which asset", err)
			}
			if errors.Is(err, job.ErrGone) != test.gone {
				t.Errorf("%v: gone is %t, want %t", err, !test.gone, test.gone)
			}
		})
	}
}

func TestDownloadBadLinks(t *testing.T) {
	t.Parallel()
	client := newClient(t, "http://127.0.0.1:1")
	secure := serveTLS(t, answer(200, "image"))
	for name, link := range map[string]string{
		"no address":         "://" + signed,
		"bad escape":         "https://cdn.test/%zz?" + signed,
		"control character":  "https://cdn.test/\x7f?" + signed,
		"another scheme":     "ftp://cdn.test/?" + signed,
		"no host":            "https:///?" + signed,
		"bad port":           "https://cdn.test:port/?" + signed,
		"space in the host":  "https://cdn test/?" + signed,
		"nobody listens":     "http://127.0.0.1:1/?" + signed,
		"unknown authority":  secure.URL + "/?" + signed,
		"TLS to a plain one": "https://127.0.0.1:1/?" + signed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := client.Download(t.Context(), job.Link(link))
			wantQuietError(t, err)
		})
	}
	if _, _, err := client.Download(t.Context(), ""); !errors.Is(err, job.ErrGone) {
		t.Errorf("an asset without a link: %v, want it to be read again", err)
	}
}

func TestDownloadTransportThatTellsTheAddress(t *testing.T) {
	t.Parallel()
	client := clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: io.ErrUnexpectedEOF}
	}))
	_, _, err := client.Download(t.Context(), "http://cdn.test/?"+signed)
	wantQuietError(t, err)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v: the cause is lost", err)
	}
}

func TestDownloadBreaksOff(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"by length": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
		"by chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) { hijack(w, raw) })
			body, _, err := newClient(t, server.URL).Download(t.Context(), job.Link(server.URL+"/?"+signed))
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			got, err := io.ReadAll(body)
			wantQuietError(t, err)
			if !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "half" || !strings.Contains(err.Error(), "after 4 bytes") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestDownloadKeepsCompressedBytes(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write([]byte("image"))
	_ = writer.Close()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	body, length, err := newClient(t, server.URL).Download(t.Context(), job.Link(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(got, packed.Bytes()) || length != int64(packed.Len()) {
		t.Errorf("got %d bytes of %d, %v", len(got), length, err)
	}
}

func TestDownloadInterrupted(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	body, _, err := newClient(t, server.URL).Download(ctx, job.Link(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	cancel(job.ErrInterrupted)
	if _, err := io.ReadAll(body); !errors.Is(err, job.ErrInterrupted) {
		t.Errorf("got %v, want interrupted", err)
	}
}

func TestDownloadHostDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := servePipe(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		transport.ResponseHeaderTimeout = 0
		began := time.Now()
		_, _, err := clientOf(t, transport).Download(t.Context(), "http://cdn.test/?"+signed)
		wantQuietError(t, err)
		if took := time.Since(began); took != 30*time.Second || !strings.Contains(err.Error(), "no answer within 30s") {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// What comes, and would not be whole in days, is broken off.
func TestDownloadTrickles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			for range 80 {
				_, _ = io.WriteString(w, "p")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(5 * time.Second):
				case <-r.Context().Done():
					return
				}
			}
		})
		body, _, err := clientOf(t, transport).Download(t.Context(), "http://cdn.test/?"+signed)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		began := time.Now()
		_, err = io.ReadAll(body)
		wantQuietError(t, err)
		if took := time.Since(began); took < 6*time.Minute || took > 7*time.Minute || !strings.Contains(err.Error(), "bytes in 6m0s") {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

func TestDownloadStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			for range 10 { // slow, but it comes
				_, _ = io.WriteString(w, "piece")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(29 * time.Second)
			}
			<-r.Context().Done()
		})
		body, _, err := clientOf(t, transport).Download(t.Context(), "http://cdn.test/?"+signed)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		began := time.Now()
		got, err := io.ReadAll(body)
		wantQuietError(t, err)
		if len(got) != 50 || !strings.Contains(err.Error(), "after 50 bytes: no bytes for 30s") {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		if took := time.Since(began); took != 9*29*time.Second+30*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestDownloadWaitsForASlowTaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := servePipe(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 1<<20))
		})
		body, _, err := clientOf(t, transport).Download(t.Context(), "http://cdn.test/?"+signed)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if _, err := io.ReadFull(body, make([]byte, 1<<19)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if rest, err := io.ReadAll(body); len(rest) != 1<<19 || err != nil {
			t.Errorf("got %d more bytes, %v", len(rest), err)
		}
	})
}

// wantQuietError checks that there is an error and that it betrays nothing.
func wantQuietError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, secret := range []string{"topsecretsignature", "Policy=", testKey, testSecret} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q betrays %q", err, secret)
		}
	}
}

// to redirects to target as it is.
func to(target string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{target}
		w.WriteHeader(http.StatusFound)
	}
}
