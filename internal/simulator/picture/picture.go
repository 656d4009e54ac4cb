// Package picture draws the simulator's images: small compositions made from the
// words of a prompt and a seed, the same every time, so that a contact sheet of
// them can be read at a glance and looked at with pleasure.
//
// A prompt's words choose the things shown, the scene they stand in, and colours;
// the seed chooses everything else. Words that mean nothing to the package give an
// ornament of their own.
package picture

import (
	"hash/fnv"
	"image"
	"math/rand/v2"
)

// Spec says what to draw. Equal specs give equal pixels.
type Spec struct {
	Model, Prompt string
	Seed          int64
	Index         int // of the image within its request
	Width, Height int // pixels, at least 1
}

// Draw draws the image. It takes a few milliseconds for 512 by 512 pixels.
func Draw(spec Spec) *image.RGBA {
	words := read(spec.Prompt)
	random := spec.random()
	p := composition{
		canvas: newCanvas(spec.Width, spec.Height),
		words:  words,
		colors: choosePalette(words, random),
		random: random,
	}
	p.draw()
	p.light()
	return p.img
}

// random is a stream of numbers that belongs to the spec.
func (s Spec) random() *rand.Rand {
	hash := fnv.New64a()
	// Writing to a hash never fails.
	_, _ = hash.Write([]byte(s.Model + "\x00" + s.Prompt))
	return rand.New(rand.NewPCG(hash.Sum64(), uint64(s.Seed)<<8+uint64(s.Index)))
}

// composition is a picture in the making.
type composition struct {
	*canvas
	words  words
	colors palette
	random *rand.Rand
}

func (p composition) between(low, high float64) float64 { return low + (high-low)*p.random.Float64() }

// draw lays down the background, then what the prompt speaks of.
func (p composition) draw() {
	subjects, scene := p.words.subjects(), p.words.scene()
	if scene != nil {
		p.drawScene(scene)
	} else {
		p.drawStudio()
	}
	switch {
	case len(subjects) > 0:
		p.drawSubjects(subjects, scene != nil)
	case scene == nil:
		p.drawOrnament()
	}
}

// dots scatters disks over the upper part of the picture, their radius in shares of
// its side.
func (p composition) dots(count int, least, most float64, color rgb, strength float64) {
	for range count {
		x, y := p.between(0, p.w), p.between(0, 0.75*p.h)
		radius := p.side() * p.between(least, most)
		p.shape(path{}.ellipse(x, y, radius, radius), color, strength)
	}
}
