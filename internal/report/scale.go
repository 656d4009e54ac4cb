package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"

	"golang.org/x/image/draw"
)

const (
	thumbSide    = 320 // pixels of the longer side
	thumbQuality = 84
	checkSide    = 10 // pixels of a square of the ground below transparent images
)

// encodeThumbnail scales an image down and encodes it as a JPEG.
func encodeThumbnail(full image.Image) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, scaleDown(full), &jpeg.Options{Quality: thumbQuality}); err != nil {
		return nil, fmt.Errorf("encode thumbnail: %w", err)
	}
	return out.Bytes(), nil
}

// scaleDown halves the image with a cheap filter while it is at least twice too
// large, and finishes with a sharp one: nearly as good as the sharp one alone at
// a fraction of its time.
func scaleDown(full image.Image) *image.RGBA {
	want := fit(full.Bounds().Dx(), full.Bounds().Dy(), thumbSide)
	current := fastSource(full)
	for size := current.Bounds(); size.Dx() >= 2*want.X && size.Dy() >= 2*want.Y; size = current.Bounds() {
		half := image.NewRGBA(image.Rect(0, 0, size.Dx()/2, size.Dy()/2))
		draw.ApproxBiLinear.Scale(half, half.Bounds(), current, size, draw.Src, nil)
		current = half
	}
	thumb := checkered(want)
	if current.Bounds().Size() == want { // scaling would only copy, slowly
		draw.Draw(thumb, thumb.Bounds(), current, current.Bounds().Min, draw.Over)
		return thumb
	}
	draw.CatmullRom.Scale(thumb, thumb.Bounds(), current, current.Bounds(), draw.Over, nil)
	return thumb
}

// fit returns the size with the longer side at most side; it never enlarges.
func fit(width, height, side int) image.Point {
	longer := max(width, height)
	if longer <= side {
		return image.Pt(width, height)
	}
	return image.Pt(max(1, width*side/longer), max(1, height*side/longer))
}

// fastSource copies images of kinds for which the scaler has no fast path.
func fastSource(full image.Image) image.Image {
	switch full.(type) {
	case *image.RGBA, *image.NRGBA, *image.YCbCr, *image.Gray:
		return full
	}
	rgba := image.NewRGBA(full.Bounds())
	draw.Draw(rgba, rgba.Bounds(), full, full.Bounds().Min, draw.Src)
	return rgba
}

// checkered returns the ground on which transparent images are shown: quiet, and
// unlike any image's own background.
func checkered(size image.Point) *image.RGBA {
	ground := image.NewRGBA(image.Rectangle{Max: size})
	shades := [2]color.RGBA{{R: 0x9a, G: 0x9a, B: 0x9a, A: 0xff}, {R: 0x88, G: 0x88, B: 0x88, A: 0xff}}
	for y := range size.Y {
		for x := range size.X {
			ground.SetRGBA(x, y, shades[(x/checkSide+y/checkSide)%2])
		}
	}
	return ground
}
