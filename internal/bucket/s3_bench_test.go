package bucket_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
	"nightshift/internal/s3test"
)

// BenchmarkRelay moves an image of 1.5 MB from a web server to an S3 server: as bare
// bytes between two HTTP connections, which is the most that can be had, and through
// the bucket, checked on the way. The share of the first that the second reaches is
// what counts. On a sink that takes bytes and does nothing else the bucket's own cost
// shows; versitygw is what a night is like. All of it shares one machine.
func BenchmarkRelay(b *testing.B) {
	file := buckettest.PNG(860, 580, 1)
	source := imageSource(b, file)
	server := s3test.Start(b)
	sinkAddress, trusted := sink(b, file)
	server.RootCAs.AddCert(trusted)
	toSink := func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/batch/") {
			r.URL.Host = sinkAddress
		}
		return next.RoundTrip(r)
	}
	toServer := func(r *http.Request, next http.RoundTripper) (*http.Response, error) { return next.RoundTrip(r) }
	for _, to := range []struct {
		name string
		see  between
	}{{"sink", toSink}, {"versitygw", toServer}} {
		b.Run(to.name, func(b *testing.B) {
			o := options(b, server)
			through(to.see)(&o)
			stored := sameBucket(b, o)
			if found := probe(b, stored); !found.Stream {
				b.Fatalf("the findings are %+v", found)
			}
			compare(b, source, len(file), bare(b, server, o.Bucket, to.see),
				func(name string, body io.Reader, length int64) error {
					_, err := stored.PutImage(b.Context(), image.Put{Name: "batch/" + name, Body: body, Length: length, Metadata: meta})
					return err
				})
		})
	}
}

type sender func(name string, body io.Reader, length int64) error

// compare takes turns, so that what else the machine does hits both.
func compare(b *testing.B, source string, size int, bare, stored sender) {
	const images = 32
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, ReadBufferSize: 64 << 10}}
	defer client.CloseIdleConnections()
	var took [2]time.Duration
	turns := 0
	for b.Loop() {
		turns++
		for at, send := range []sender{bare, stored} {
			start := time.Now()
			relay(b, client, source, images, fmt.Sprintf("%d-%d", turns, at), send)
			took[at] += time.Since(start)
		}
	}
	moved := float64(turns*images*size) / 1e6
	b.ReportMetric(moved/took[0].Seconds(), "bare-MB/s")
	b.ReportMetric(moved/took[1].Seconds(), "bucket-MB/s")
	b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "ratio")
}

// relay fetches and sends images, eight at a time.
func relay(b *testing.B, client *http.Client, source string, images int, name string, send sender) {
	var group errgroup.Group
	group.SetLimit(8)
	for at := range images {
		group.Go(func() error {
			response, err := client.Get(source)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			return send(fmt.Sprintf("%s-%d-%s.png", name, at, rand.Text()), response.Body, response.ContentLength)
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// bare sends with nothing but net/http, to addresses that are signed before.
func bare(b *testing.B, server *s3test.Server, name string, see between) sender {
	signer := s3.NewPresignClient(server.Client())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: server.RootCAs, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 64,
		ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	b.Cleanup(transport.CloseIdleConnections)
	return func(key string, body io.Reader, length int64) error {
		signed, err := signer.PresignPutObject(b.Context(), &s3.PutObjectInput{Bucket: &name, Key: aws.String("batch/" + key)})
		if err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPut, signed.URL, io.NopCloser(body))
		if err != nil {
			return err
		}
		request.ContentLength = length
		response, err := see(request, transport)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", response.Status)
		}
		return nil
	}
}

func imageSource(b *testing.B, file []byte) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(file)))
		_, _ = w.Write(file)
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// sink takes what is put, forgets it and answers as a server that has stored the file.
func sink(b *testing.B, file []byte) (address string, trusted *x509.Certificate) {
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(file)))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, 64<<10)
		for {
			if _, err := r.Body.Read(buffer); err != nil {
				break
			}
		}
		w.Header().Set("x-amz-checksum-crc32", sum)
	}))
	b.Cleanup(server.Close)
	return server.Listener.Addr().String(), server.Certificate()
}
