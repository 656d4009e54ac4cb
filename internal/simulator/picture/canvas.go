package picture

import (
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/vector"
)

// canvas is an image that shapes are painted on, opaque throughout.
type canvas struct {
	img  *image.RGBA
	w, h float64
	fill vector.Rasterizer
	mask []uint8 // reused
}

func newCanvas(width, height int) *canvas {
	return &canvas{
		img: image.NewRGBA(image.Rect(0, 0, width, height)), w: float64(width), h: float64(height),
		mask: make([]uint8, width*height),
	}
}

func (c *canvas) side() float64 { return min(c.w, c.h) }

// shape paints an outline; strength 1 covers what is below.
func (c *canvas) shape(p path, paint rgb, strength float64) {
	box := p.bounds().Intersect(c.img.Bounds())
	if box.Empty() {
		return
	}
	c.fill.Reset(box.Dx(), box.Dy())
	c.fill.DrawOp = draw.Src
	p.trace(&c.fill, box.Min)
	mask := &image.Alpha{Pix: c.mask, Stride: box.Dx(), Rect: box.Sub(box.Min)}
	c.fill.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	draw.DrawMask(c.img, box, image.NewUniform(paint.color(strength)), image.Point{}, mask, image.Point{}, draw.Over)
}

// ground covers the whole canvas, with colours that run from top to bottom.
func (c *canvas) ground(top, bottom rgb) {
	for y := range c.img.Bounds().Dy() {
		row := c.img.Pix[y*c.img.Stride:][:c.img.Stride]
		paint := top.mix(bottom, float64(y)/c.h).color(1)
		copy(row, []uint8{paint.R, paint.G, paint.B, paint.A})
		for done := 4; done < len(row); done *= 2 {
			copy(row[done:], row[:done])
		}
	}
}

// light darkens the picture towards its lower right, as a lamp at the upper left
// would.
func (c *canvas) light() {
	const whole, fall = 1 << 16, 16000 // fall is from corner to corner
	size := c.img.Bounds().Size()
	for y := range size.Y {
		row := c.img.Pix[y*c.img.Stride:][:c.img.Stride]
		share, step := uint32(whole-fall/2*y/size.Y), uint32(fall/2/size.X)
		for x := 0; x < len(row); x += 4 {
			p := row[x : x+3 : x+3]
			p[0], p[1], p[2] = uint8(uint32(p[0])*share>>16), uint8(uint32(p[1])*share>>16), uint8(uint32(p[2])*share>>16)
			share -= step
		}
	}
}

// color is how images hold it; strength is how much it covers.
func (c rgb) color(strength float64) color.NRGBA {
	return color.NRGBA{uint8(c.r), uint8(c.g), uint8(c.b), uint8(255 * strength)}
}
