package picture_test

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"nightshift/internal/simulator/picture"
)

// TestToolsOnDrawings: of a drawing the subject is left, and enough of the ground is gone.
func TestToolsOnDrawings(t *testing.T) {
	t.Parallel()
	drawn := picture.Draw(picture.Spec{Prompt: "a red health potion", Seed: 3, Width: 256, Height: 256})
	cut := picture.CutOut.Apply(drawn, 256, 256)
	gone := 0
	for y := range 256 {
		for x := range 256 {
			if cut.NRGBAAt(x, y).A == 0 {
				gone++
			}
		}
	}
	if share := float64(gone) / (256 * 256); share < 0.3 || share > 0.95 {
		t.Errorf("%.0f%% of the drawing is transparent", 100*share)
	}
	if cut.NRGBAAt(0, 0).A != 0 || cut.NRGBAAt(255, 255).A != 0 {
		t.Error("a corner is left")
	}
	large := picture.Enlarge.Apply(cut, 512, 512)
	if large.NRGBAAt(0, 0).A != 0 || large.Bounds().Dx() != 512 {
		t.Errorf("enlarged to %v with the corner %v", large.Bounds(), large.NRGBAAt(0, 0))
	}
	var file bytes.Buffer
	if err := picture.Encode(&file, large, picture.PNG); err != nil {
		t.Fatal(err)
	}
	read, _, err := image.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, alpha := read.At(0, 0).RGBA(); alpha != 0 {
		t.Error("the file holds no transparency")
	}
}

// TestBlend: the share of what is laid over shows, between nothing and all of it.
func TestBlend(t *testing.T) {
	t.Parallel()
	over := image.NewRGBA(image.Rect(0, 0, 2, 2))
	for i := range over.Pix {
		over.Pix[i] = 255
	}
	for share, want := range map[float64]uint8{0: 0, 0.5: 127, 1: 255, 7: 255, -1: 0} {
		onto := image.NewRGBA(image.Rect(0, 0, 8, 4))
		for i := 3; i < len(onto.Pix); i += 4 {
			onto.Pix[i] = 255
		}
		picture.Blend(onto, over, share)
		if got := onto.At(7, 3); got != (color.RGBA{want, want, want, 255}) {
			t.Errorf("share %v gives %v", share, got)
		}
	}
}

func BenchmarkEnlargedCutout(b *testing.B) {
	drawn := picture.Draw(picture.Spec{Prompt: "a red health potion", Seed: 3, Width: 512, Height: 512})
	for b.Loop() {
		var file bytes.Buffer
		cut := picture.CutOut.Apply(drawn, 512, 512)
		if err := picture.Encode(&file, picture.Enlarge.Apply(cut, 2048, 2048), picture.PNG); err != nil {
			b.Fatal(err)
		}
	}
}
