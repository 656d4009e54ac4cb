package picture

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// captionSide is the least width on which a caption can be read.
const captionSide = 160

var captionFont = sync.OnceValue(func() *opentype.Font {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic("picture: parse the built-in font: " + err.Error()) // part of the program
	}
	return parsed
})

// caption writes the prompt, seed and place within the request along the lower
// edge, where the image is wide enough to read it.
func (c *canvas) caption(spec Spec) {
	if c.w < captionSide || c.h < captionSide/2 {
		return
	}
	size := math.Max(9, math.Round(c.side()/42))
	face, err := opentype.NewFace(captionFont(), &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic("picture: make a face of the built-in font: " + err.Error()) // sizes are sane
	}
	margin := size
	top := c.h - 2.1*size
	c.band(int(top))
	right := fmt.Sprintf("seed %d · %d", spec.Seed, spec.Index+1)
	rightWidth := font.MeasureString(face, right).Ceil()
	baseline := top + 1.4*size
	c.write(face, c.w-margin-float64(rightWidth), baseline, right, 150)
	room := int(c.w-3*margin) - rightWidth
	c.write(face, margin, baseline, shortened(face, strings.Join(strings.Fields(spec.Prompt), " "), room), 225)
}

// band darkens the strip under the caption.
func (c *canvas) band(top int) {
	for i := top * c.img.Stride; i < len(c.img.Pix); i += 4 {
		p := c.img.Pix[i : i+3 : i+3]
		p[0], p[1], p[2] = blend(p[0], 14, 36000), blend(p[1], 12, 36000), blend(p[2], 22, 36000)
	}
}

func (c *canvas) write(face font.Face, x, y float64, text string, strength uint8) {
	drawer := font.Drawer{
		Dst: c.img, Src: image.NewUniform(color.NRGBA{255, 255, 255, strength}), Face: face,
		Dot: fixed.P(int(x), int(y)),
	}
	drawer.DrawString(text)
}

// shortened cuts a text to a width in pixels.
func shortened(face font.Face, text string, width int) string {
	if font.MeasureString(face, text).Ceil() <= width {
		return text
	}
	runes := []rune(text)
	// No letter is narrower than two pixels, which bounds the search.
	runes = runes[:min(len(runes), max(0, width/2))]
	for len(runes) > 0 && font.MeasureString(face, string(runes)+"…").Ceil() > width {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimSpace(string(runes)) + "…"
}
