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

// pixelArtSide is the longer side of the grid that pixel art is drawn on.
const pixelArtSide = 80

// Draw draws the image. It takes about ten milliseconds for 512 by 512 pixels.
func Draw(spec Spec) *image.RGBA {
	words := read(spec.Prompt)
	random := spec.random()
	cell := 1
	if words.has("pixel", "pixelart", "8bit", "16bit", "8-bit", "16-bit") {
		cell = max(1, max(spec.Width, spec.Height)/pixelArtSide)
	}
	c := newCanvas((spec.Width+cell-1)/cell, (spec.Height+cell-1)/cell)
	composition{words: words, colors: choosePalette(words, random), random: random}.draw(c)
	if cell > 1 {
		c = c.enlarged(cell, spec.Width, spec.Height)
	} else {
		c.grain(random.Uint64())
	}
	c.caption(spec)
	return c.img
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
	words  words
	colors palette
	random *rand.Rand
}

// draw lays down the background, then what the prompt speaks of.
func (p composition) draw(c *canvas) {
	subjects := p.words.subjects()
	scene := p.words.scene()
	switch {
	case scene != nil:
		p.drawScene(c, scene)
	case p.words.has("icon", "badge", "sticker", "emblem", "logo"):
		p.drawStudio(c)
		p.drawPlate(c)
	default:
		p.drawStudio(c)
	}
	switch {
	case len(subjects) > 0:
		p.drawSubjects(c, subjects, scene != nil)
	case scene == nil:
		p.drawOrnament(c)
	}
}
