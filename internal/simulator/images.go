package simulator

import (
	"bytes"
	"container/list"
	"fmt"
	"image"
	"sync"

	"nightshift/internal/simulator/picture"
)

// imageCacheBytes is how many bytes of recent images are kept. An image is drawn
// when its record is read, because the record tells its size, and again only if it
// was pushed out before the download.
const imageCacheBytes = 64 << 20

// imageCache holds the encoded bytes of recent images, the least recently used
// going first.
type imageCache struct {
	mu     sync.Mutex
	most   int
	held   int
	recent *list.List // of *cachedImage, most recent first
	byID   map[string]*list.Element
}

type cachedImage struct {
	id   string
	data []byte
}

func newImageCache(most int) *imageCache {
	return &imageCache{most: most, recent: list.New(), byID: map[string]*list.Element{}}
}

// size returns the number of bytes of an image, drawing it when nobody has yet.
func (c *imageCache) size(a *asset) int64 {
	c.mu.Lock()
	size := a.size
	c.mu.Unlock()
	if size > 0 {
		return size
	}
	return int64(len(c.bytes(a)))
}

// bytes returns the encoded image. Two callers at once may both draw it, and get
// equal bytes.
func (c *imageCache) bytes(a *asset) []byte {
	if a.data != nil {
		return a.data
	}
	if data := c.cached(a.id); data != nil {
		return data
	}
	var buffer bytes.Buffer
	if err := picture.Encode(&buffer, c.drawn(a), a.format); err != nil {
		// Sizes and formats were checked when the job was accepted, and a buffer
		// takes everything.
		panic(fmt.Sprintf("simulator: encode the image of asset %s: %v", a.id, err))
	}
	c.keep(a, buffer.Bytes())
	return buffer.Bytes()
}

// drawn draws an image of a run, of its sources where it has any.
func (c *imageCache) drawn(a *asset) image.Image {
	if a.tool != "" {
		return a.tool.Apply(c.decoded(a.sources[0].asset), a.spec.Width, a.spec.Height)
	}
	img := picture.Draw(a.spec)
	for _, source := range a.sources {
		picture.Blend(img, c.decoded(source.asset), source.share)
	}
	return img
}

// decoded returns the pixels of an image.
func (c *imageCache) decoded(a *asset) image.Image {
	img, _, err := image.Decode(bytes.NewReader(c.bytes(a)))
	if err != nil {
		// What is uploaded was decoded before it was taken.
		panic(fmt.Sprintf("simulator: decode the image of asset %s: %v", a.id, err))
	}
	return img
}

// transform returns the smaller image that is shown where nobody asks for the original.
func (c *imageCache) transform(a *asset) []byte {
	var buffer bytes.Buffer
	if err := picture.Encode(&buffer, picture.Shrink(c.decoded(a)), transformFormat); err != nil {
		panic(fmt.Sprintf("simulator: encode a transform of asset %s: %v", a.id, err)) // a buffer takes everything
	}
	return buffer.Bytes()
}

// transformFormat is the format of all transforms.
const transformFormat = picture.JPEG

func (c *imageCache) cached(id string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.byID[id]
	if element == nil {
		return nil
	}
	c.recent.MoveToFront(element)
	return element.Value.(*cachedImage).data
}

func (c *imageCache) keep(a *asset, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a.size = int64(len(data))
	if c.byID[a.id] != nil {
		return
	}
	c.byID[a.id] = c.recent.PushFront(&cachedImage{a.id, data})
	c.held += len(data)
	for c.held > c.most {
		oldest := c.recent.Remove(c.recent.Back()).(*cachedImage)
		delete(c.byID, oldest.id)
		c.held -= len(oldest.data)
	}
}
