package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"nightshift/internal/simulator/picture"
)

// TestImageCacheIsBounded: the cache forgets the image that was used longest ago,
// and draws equal bytes again.
func TestImageCacheIsBounded(t *testing.T) {
	t.Parallel()
	pictured := func(n int) *asset {
		spec := picture.Spec{Prompt: "a coin", Seed: int64(n), Width: 64, Height: 64}
		return &asset{id: fmt.Sprint(n), spec: spec, format: picture.PNG}
	}
	one := newImageCache(1 << 20).bytes(pictured(0))
	cache := newImageCache(len(one) * 4)
	first := pictured(0)
	for n := range 20 {
		cache.bytes(pictured(n))
		cache.bytes(first)
		if sum := cache.sum(); sum != cache.held || sum > cache.most {
			t.Fatalf("after %d images the cache holds %d bytes and counts %d, of at most %d", n+1, sum, cache.held, cache.most)
		}
	}
	if cache.cached("0") == nil || cache.cached("19") == nil || cache.cached("10") != nil || len(cache.byID) < 3 {
		t.Errorf("the cache holds %d images, and not the ones used last", len(cache.byID))
	}
	if again := pictured(0); cache.size(again) != int64(len(one)) || !bytes.Equal(cache.bytes(again), one) {
		t.Error("an image came out differently the second time")
	}
}

func (c *imageCache) sum() (total int) {
	for element := c.recent.Front(); element != nil; element = element.Next() {
		total += len(element.Value.(*cachedImage).data)
	}
	return total
}

// TestTransportNoticesShortBodies: a body shorter than its declared length is not
// whole, as with net/http.
func TestTransportNoticesShortBodies(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = w.Write([]byte("short"))
	})
	client := http.Client{Transport: handlerTransport{handler}}
	response, err := client.Get("http://sim.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if data, err := io.ReadAll(response.Body); string(data) != "short" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q and %v", data, err)
	}
}
