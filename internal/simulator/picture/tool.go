package picture

import (
	"image"
	"image/color"

	"golang.org/x/image/draw"
)

// Tool is a way to make one image of another.
type Tool string

// The tools.
const (
	CutOut  Tool = "cutout"  // what stands before the background, on nothing
	Enlarge Tool = "enlarge" // the same with more pixels
)

// Known reports whether t is one of the tools.
func (t Tool) Known() bool { return t == CutOut || t == Enlarge }

// Apply makes an image of a size. Equal images give equal pixels.
func (t Tool) Apply(from image.Image, width, height int) *image.NRGBA {
	scaled := image.NewRGBA(image.Rect(0, 0, width, height)) // the only kind that is scaled fast
	draw.ApproxBiLinear.Scale(scaled, scaled.Rect, from, from.Bounds(), draw.Src, nil)
	made := unmultiplied(scaled)
	if t == CutOut {
		clearGround(made)
	}
	return made
}

// unmultiplied is the same image whose colours are not multiplied with how much they cover.
func unmultiplied(img *image.RGBA) *image.NRGBA {
	made := image.NewNRGBA(img.Rect)
	for i := 0; i < len(img.Pix); i += 4 {
		from, to := img.Pix[i:i+4:i+4], made.Pix[i:i+4:i+4]
		if alpha := uint32(from[3]); alpha == 255 || alpha == 0 {
			copy(to, from)
		} else {
			for channel := range 3 {
				to[channel] = uint8(min(255, (255*uint32(from[channel])+alpha/2)/alpha))
			}
			to[3] = from[3]
		}
	}
	return made
}

// nearGround is how far a colour may be from that of the background and still be of it.
const nearGround = 48

// clearGround makes transparent what has the colour that its row has at its ends.
func clearGround(img *image.NRGBA) {
	size := img.Bounds().Size()
	for y := range size.Y {
		left, right := img.NRGBAAt(0, y), img.NRGBAAt(size.X-1, y)
		for x := range size.X {
			at := img.Pix[y*img.Stride+4*x:]
			here := color.NRGBA{at[0], at[1], at[2], at[3]}
			if min(distance(here, left), distance(here, right)) <= nearGround {
				copy(at[:4], []uint8{0, 0, 0, 0})
			}
		}
	}
}

func distance(a, b color.NRGBA) int {
	apart := func(a, b uint8) int { return max(int(a), int(b)) - min(int(a), int(b)) }
	return apart(a.R, b.R) + apart(a.G, b.G) + apart(a.B, b.B)
}

// Blend lays an image over another, stretched to its size; share 1 hides what is below.
func Blend(onto *image.RGBA, over image.Image, share float64) {
	scaled := image.NewRGBA(onto.Bounds())
	draw.ApproxBiLinear.Scale(scaled, scaled.Bounds(), over, over.Bounds(), draw.Src, nil)
	strength := image.NewUniform(color.Alpha{uint8(255 * min(max(share, 0), 1))})
	draw.DrawMask(onto, onto.Bounds(), scaled, image.Point{}, strength, image.Point{}, draw.Over)
}

// Shrink is a smaller image, for those that want to see it sooner.
func Shrink(from image.Image) *image.RGBA {
	size := from.Bounds().Size()
	made := image.NewRGBA(image.Rect(0, 0, max(1, size.X/2), max(1, size.Y/2)))
	draw.ApproxBiLinear.Scale(made, made.Bounds(), from, from.Bounds(), draw.Src, nil)
	return made
}
