package picture

import (
	"image"
	"math"

	"golang.org/x/image/vector"
)

// canvas is an image that shapes are painted on, opaque throughout.
type canvas struct {
	img  *image.RGBA
	w, h float64
	mask *image.Alpha
	fill vector.Rasterizer
}

func newCanvas(width, height int) *canvas {
	return &canvas{
		img: image.NewRGBA(image.Rect(0, 0, width, height)), w: float64(width), h: float64(height),
		mask: image.NewAlpha(image.Rect(0, 0, width, height)),
	}
}

func (c *canvas) side() float64 { return min(c.w, c.h) }

// shape paints an outline in a tone that runs from its upper left to its lower
// right, as light would fall; strength 1 covers what is below.
func (c *canvas) shape(p path, t tone, strength float64) {
	box := p.bounds(c.img.Bounds())
	if box.Empty() {
		return
	}
	c.fill.Reset(box.Dx(), box.Dy())
	p.trace(&c.fill, float64(box.Min.X), float64(box.Min.Y))
	mask := &image.Alpha{Pix: c.mask.Pix[:box.Dx()*box.Dy()], Stride: box.Dx(), Rect: image.Rect(0, 0, box.Dx(), box.Dy())}
	clear(mask.Pix)
	c.fill.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	for y := range box.Dy() {
		c.blendRow(box, y, mask.Pix[y*mask.Stride:][:box.Dx()], t, strength)
	}
}

// blendRow paints one row of a mask.
func (c *canvas) blendRow(box image.Rectangle, y int, mask []uint8, t tone, strength float64) {
	down := float64(y) / float64(box.Dy())
	from, to := t.from.mix(t.to, 0.65*down), t.from.mix(t.to, 0.35+0.65*down)
	n := len(mask)
	r, g, b := fixedPoint(from.r), fixedPoint(from.g), fixedPoint(from.b)
	dr, dg, db := (fixedPoint(to.r)-r)/n, (fixedPoint(to.g)-g)/n, (fixedPoint(to.b)-b)/n
	weight := int(strength * 257)
	pixels := c.img.Pix[(box.Min.Y+y)*c.img.Stride+box.Min.X*4:]
	for x, cover := range mask {
		if cover != 0 {
			alpha := int(cover) * weight // of 65535
			p := pixels[x*4 : x*4+3 : x*4+3]
			p[0] = blend(p[0], r>>16, alpha)
			p[1] = blend(p[1], g>>16, alpha)
			p[2] = blend(p[2], b>>16, alpha)
		}
		r, g, b = r+dr, g+dg, b+db
	}
}

func blend(below uint8, color, alpha int) uint8 {
	return uint8(int(below) + ((color-int(below))*alpha)>>16)
}

// glow lays an ellipse of colour that fades towards its edge.
func (c *canvas) glow(cx, cy, rx, ry float64, color rgb, strength float64) {
	box := image.Rect(int(cx-rx), int(cy-ry), int(cx+rx)+1, int(cy+ry)+1).Intersect(c.img.Bounds())
	for y := box.Min.Y; y < box.Max.Y; y++ {
		dy := (float64(y) - cy) / ry
		pixels := c.img.Pix[y*c.img.Stride:]
		for x := box.Min.X; x < box.Max.X; x++ {
			dx := (float64(x) - cx) / rx
			near := 1 - dx*dx - dy*dy
			if near <= 0 {
				continue
			}
			alpha := int(near * near * strength * 65535)
			p := pixels[x*4 : x*4+3 : x*4+3]
			p[0] = blend(p[0], int(color.r), alpha)
			p[1] = blend(p[1], int(color.g), alpha)
			p[2] = blend(p[2], int(color.b), alpha)
		}
	}
}

// grain adds a little noise, as a camera or paper has; it also hides the steps of
// gradients and gives files a lifelike size.
func (c *canvas) grain(seed uint64) {
	state := seed | 1
	for i := 0; i+3 < len(c.img.Pix); i += 4 {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		noise := int(state>>62) - 1
		p := c.img.Pix[i : i+3 : i+3]
		p[0], p[1], p[2] = nudge(p[0], noise), nudge(p[1], noise), nudge(p[2], noise)
	}
}

func nudge(value uint8, by int) uint8 { return uint8(min(max(int(value)+by, 0), 255)) }

// enlarged is the canvas with each pixel as a square of cells, cut to a size.
func (c *canvas) enlarged(cell, width, height int) *canvas {
	large := newCanvas(width, height)
	for y := range height {
		row := large.img.Pix[y*large.img.Stride:]
		from := c.img.Pix[y/cell*c.img.Stride:]
		for x := range width {
			copy(row[x*4:x*4+4], from[x/cell*4:])
		}
	}
	return large
}

// bounds is the box of pixels around a path, within limits.
func (p path) bounds(limits image.Rectangle) image.Rectangle {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, s := range p {
		for _, at := range s.places() {
			low = point{min(low.x, at.x), min(low.y, at.y)}
			high = point{max(high.x, at.x), max(high.y, at.y)}
		}
	}
	if low.x > high.x {
		return image.Rectangle{}
	}
	edge := func(value float64) int { return int(min(max(value, -1e6), 1e6)) }
	return image.Rect(edge(low.x)-1, edge(low.y)-1, edge(high.x)+2, edge(high.y)+2).Intersect(limits)
}

func (s *segment) places() []point {
	switch s.op {
	case 'Z':
		return nil
	case 'C':
		return s.points[:]
	default:
		return s.points[:1]
	}
}

func (p path) trace(z *vector.Rasterizer, left, top float64) {
	at := func(q point) (x, y float32) { return float32(q.x - left), float32(q.y - top) }
	for _, s := range p {
		ax, ay := at(s.points[0])
		switch s.op {
		case 'M':
			z.MoveTo(ax, ay)
		case 'L':
			z.LineTo(ax, ay)
		case 'C':
			bx, by := at(s.points[1])
			cx, cy := at(s.points[2])
			z.CubeTo(ax, ay, bx, by, cx, cy)
		case 'Z':
			z.ClosePath()
		}
	}
}
