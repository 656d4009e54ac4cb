package bucket_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/bucket"
	"nightshift/internal/s3test"
)

const logKey = "batch/results.jsonl"

// sameBucket returns more buckets in the same place, as other processes would have.
func sameBucket(t testing.TB, o bucket.S3Options, change ...func(*bucket.S3Options)) *bucket.S3 {
	t.Helper()
	for _, c := range change {
		c(&o)
	}
	b, err := bucket.NewS3(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func appendTo(t testing.TB, b *bucket.S3, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if err := b.Append(t.Context(), logKey, []byte(line+"\n")); err != nil {
			t.Fatal(err)
		}
	}
}

// shardsOf are the names of what was appended and not folded.
func shardsOf(t testing.TB, server *s3test.Server, o bucket.S3Options) (names []string) {
	t.Helper()
	prefix := o.Prefix + "/batch/_nightshift/log/results.jsonl/"
	pages := s3.NewListObjectsV2Paginator(server.Client(), &s3.ListObjectsV2Input{Bucket: &o.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range page.Contents {
			names = append(names, strings.TrimPrefix(*object.Key, prefix))
		}
	}
	return names
}

func TestShardsAreReadInTheOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		o := options(t, server)
		b := sameBucket(t, o)
		other := sameBucket(t, o)
		var want []string
		for at := range 40 {
			want = append(want, fmt.Sprint("line ", at))
			if appendTo(t, b, want[at]); at%10 == 9 {
				appendTo(t, other, fmt.Sprint("other ", at))
			}
		}
		if names := shardsOf(t, server, o); len(names) != 44 {
			t.Errorf("%d shards", len(names))
		}
		var got []string
		for line := range strings.Lines(text(t, b, logKey)) {
			if strings.HasPrefix(line, "line") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the order is %v", got)
		}
	})
}

func TestLineWithoutItsEndIsKeptApart(t *testing.T) {
	t.Parallel()
	b := newS3(t, s3test.Memory(t))
	if err := b.Put(t.Context(), logKey, strings.NewReader("no end")); err != nil {
		t.Fatal(err)
	}
	appendTo(t, b, "one")
	for range 2 {
		if got := text(t, b, logKey); got != "no end\none\n" {
			t.Errorf("the log holds %q", got)
		}
		if err := b.Compact(t.Context(), logKey); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCompactionThatDiesBeforeItDeletes ends between storing the base and deleting
// what is in it now.
func TestCompactionThatDiesBeforeItDeletes(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		o := options(t, server)
		isDelete := func(r *http.Request) bool {
			return r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/log/results.jsonl/")
		}
		dies := newTrouble(isDelete, answer(403, "AccessDenied"), 0)
		b := sameBucket(t, o, through(dies.see))
		appendTo(t, b, "one", "two", "three")
		dies.left.Store(always)
		if err := b.Compact(t.Context(), logKey); err == nil {
			t.Fatal("Compact ended well although nothing could be deleted")
		}
		wantEach(t, text(t, b, logKey), "one", "two", "three")
		appendTo(t, b, "four")
		dies.left.Store(0)
		if err := b.Compact(t.Context(), logKey); err != nil {
			t.Fatal(err)
		}
		wantEach(t, text(t, b, logKey), "one", "two", "three", "four")
		if names := shardsOf(t, server, o); len(names) != 0 {
			t.Errorf("left are %v", names)
		}
	})
}

// TestLargeLogsAreCompactedInParts has a base that needs several requests.
func TestLargeLogsAreCompactedInParts(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		o := options(t, server)
		b := sameBucket(t, o)
		base := strings.Repeat(strings.Repeat("0123456789", 100)+"\n", 18_000)
		if err := b.Put(t.Context(), logKey, strings.NewReader(base)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			appendTo(t, b, "one", strings.Repeat("two", 100_000))
			base += "one\n" + strings.Repeat("two", 100_000) + "\n"
			if err := b.Compact(t.Context(), logKey); err != nil {
				t.Fatal(err)
			}
		}
		if got := text(t, b, logKey); got != base {
			t.Errorf("the log came back as %d other bytes, want %d", len(got), len(base))
		}
		if names := shardsOf(t, server, o); len(names) != 0 {
			t.Errorf("left are %v", names)
		}
		uploads, err := server.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &o.Bucket})
		if err == nil && len(uploads.Uploads) != 0 {
			t.Errorf("%d unfinished uploads are left", len(uploads.Uploads))
		}
	})
}

func wantEach(t testing.TB, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("line %q is lost of %q", line, text)
		}
	}
}

// TestReaderOutlivesACompaction compacts after the reader has listed the shards and
// read the first of them.
func TestReaderOutlivesACompaction(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		o := options(t, server)
		b := sameBucket(t, o)
		var want []string
		for at := range 60 { // more than are fetched ahead
			want = append(want, fmt.Sprint("line ", at))
		}
		appendTo(t, b, want...)
		body, err := b.Open(t.Context(), logKey)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		reader := bufio.NewReaderSize(body, 16)
		first, err := reader.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if err := sameBucket(t, o).Compact(t.Context(), logKey); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		wantEach(t, first+string(rest), want...)
	})
}

func TestManyCompactorsAndWritersLoseNothing(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		const processes, lines = 4, 20
		o := options(t, server)
		done := make(chan struct{})
		var writers, compactors sync.WaitGroup
		for process := range processes {
			b := sameBucket(t, o)
			writers.Go(func() {
				for at := range lines {
					if err := b.Append(t.Context(), logKey, fmt.Appendf(nil, "%d of %d\n", at, process)); err != nil {
						t.Error(err)
					}
				}
			})
			compactors.Go(func() {
				for running := true; running; {
					select {
					case <-done:
						running = false
					default:
					}
					if err := b.Compact(t.Context(), logKey); err != nil && !waitsForStorage(err) {
						t.Errorf("Compact: %v", err)
					}
				}
			})
		}
		writers.Wait()
		close(done)
		compactors.Wait()
		got := text(t, sameBucket(t, o), logKey)
		for process := range processes {
			for at := range lines {
				wantEach(t, got, fmt.Sprintf("%d of %d", at, process))
			}
		}
	})
}

func TestPutKeepsWhatIsAppendedMeanwhile(t *testing.T) {
	t.Parallel()
	b := newS3(t, s3test.Memory(t))
	appendTo(t, b, "before")
	body := io.MultiReader(strings.NewReader("new\n"), readerFunc(func([]byte) (int, error) {
		appendTo(t, b, "meanwhile") // the put has begun
		return 0, io.EOF
	}))
	if err := b.Put(t.Context(), logKey, body); err != nil {
		t.Fatal(err)
	}
	if got := text(t, b, logKey); got != "new\nmeanwhile\n" {
		t.Errorf("the log holds %q", got)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestShardsAreFetchedAhead lets every answer wait until several were asked for.
func TestShardsAreFetchedAhead(t *testing.T) {
	t.Parallel()
	server := s3test.Memory(t)
	o := options(t, server)
	const shards, together = 64, 8
	appending := sameBucket(t, o)
	for at := range shards {
		appendTo(t, appending, fmt.Sprint("line ", at))
	}
	var gate sync.WaitGroup // opens when so many wait at it
	gate.Add(together)
	var mu sync.Mutex
	arrived, requests := 0, counter{}
	b := sameBucket(t, o, through(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/log/results.jsonl/") {
			mu.Lock()
			if arrived++; arrived <= together {
				gate.Done()
			}
			mu.Unlock()
			gate.Wait()
		}
		return requests.see(r, next)
	}))
	if lines := strings.Count(text(t, b, logKey), "\n"); lines != shards {
		t.Errorf("%d lines, want %d", lines, shards)
	}
	if requests.most > 20 {
		t.Errorf("%d requests at a time: the memory of a reader is not bounded", requests.most)
	}
}

func TestReadingGoesOnAfterABrokenConnection(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, server *s3test.Server) {
		isGet := func(r *http.Request) bool { return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "large") }
		breaks := newTrouble(isGet, cutAnswer, 3)
		b := newS3(t, server, through(breaks.see))
		want := strings.Repeat("0123456789abcde\n", 200_000)
		if err := b.Put(t.Context(), "batch/large", strings.NewReader(want)); err != nil {
			t.Fatal(err)
		}
		if got := text(t, b, "batch/large"); got != want {
			t.Errorf("%d bytes came back, want %d", len(got), len(want))
		}
		if breaks.hit.Load() != 3 {
			t.Errorf("the connection broke %d times", breaks.hit.Load())
		}
	})
}

// cutAnswer lets the first bytes of an answer through.
func cutAnswer(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	response, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	whole := response.Body
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(whole, 100_000), broken{}), whole}
	return response, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
