package bucket_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
	"nightshift/internal/s3test"
)

// TestMemoryIsBounded stores 16 images of 20 MB at a time. It runs alone, because it
// measures the memory of the process.
func TestMemoryIsBounded(t *testing.T) {
	const images, size = 16, 20 << 20
	server := s3test.Start(t)
	file := largePNG(size)
	tests := []struct {
		name   string
		see    between
		buffer int64
		limit  uint64 // bytes above what is there before
	}{
		{"streamed", nil, 8 << 20, 40 << 20},
		{"buffered", withoutChecksums, 64 << 20, 2*64<<20 + 40<<20}, // as much again may wait for the collector
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			limit := func(o *bucket.S3Options) { o.BufferBytes = test.buffer }
			b := newS3(t, server, limit)
			if test.see != nil {
				b = newS3(t, server, limit, through(test.see))
			}
			if found := probe(t, b); found.Stream != (test.see == nil) {
				t.Fatalf("the findings are %+v", found)
			}
			most := mostMemory(func() {
				var group sync.WaitGroup
				for at := range images {
					group.Go(func() {
						name := fmt.Sprintf("batch/%d.png", at)
						if _, err := b.PutImage(t.Context(), image.Put{Name: name, Body: struct{ io.Reader }{bytes.NewReader(file)}, Length: int64(len(file)), Metadata: meta}); err != nil {
							t.Error(err)
						}
					})
				}
				group.Wait()
			})
			t.Logf("%d images of %d MB took %d MB of memory", images, len(file)>>20, most>>20)
			if most > test.limit {
				t.Errorf("the most memory in use was %d MB, want at most %d MB", most>>20, test.limit>>20)
			}
		})
	}
}

// largePNG is a small picture with so many bytes of text.
func largePNG(size int) []byte {
	return buckettest.WithChunk(buckettest.PNG(20, 10, 1), "teXt", bytes.Repeat([]byte("0123456789abcdef"), size/16))
}

// mostMemory is the most that do has in use at a time above what is in use before.
func mostMemory(do func()) uint64 {
	runtime.GC()
	before := inUse()
	done := make(chan struct{})
	var watching sync.WaitGroup
	var most uint64
	watching.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, inUse())
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	do()
	close(done)
	watching.Wait()
	return most - min(most, before)
}

func inUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
