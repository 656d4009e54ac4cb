package statements

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"strings"

	"nightshift/internal/simulator"
)

// drawing is a manifest with a picture as input, and a step that waits for a pick.
const drawing = "version: 1\nname: m\nmodel: model_bfl-flux-2-dev\nprompt: \"{item}\"\nreferences: {look: look.png}\n" +
	"defaults: {images: {referenceImages: [look]}, parameters: {width: 128, height: 128}}\nitems: [{id: a, item: a ship}, {id: b, item: a crane}]\n"

const (
	cutout = "steps:\n  cut: {model: model_bria-remove-background, images: {image: \"{previous}\"}}\n"
	picked = "steps:\n  cut: {model: model_bria-remove-background, images: {image: \"{previous}\"}, when: picked}\n"
)

// paint writes a picture of one colour.
func (b *bed) paint(name string, c color.Color) {
	b.t.Helper()
	canvas := image.NewPaletted(image.Rect(0, 0, 96, 96), color.Palette{c})
	var text bytes.Buffer
	if err := png.Encode(&text, canvas); err != nil {
		b.t.Fatal(err)
	}
	b.write(name, text.String())
}

func (b *bed) accepted(want int) {
	b.t.Helper()
	if got := b.sim.Totals().Accepted; got != want {
		b.t.Errorf("%d requests were accepted, want %d", got, want)
	}
}

// uploadedOnce runs two batches with one picture, which is uploaded once beside the
// placeholder, whatever it is called.
func uploadedOnce(b *bed) {
	b.paint("look.png", color.Black)
	b.paint("same.png", color.Black)
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", drawing)), 0, "2 images made")
	other := strings.NewReplacer("look.png", "same.png", "name: m", "name: n").Replace(drawing)
	b.wants(b.enqueue(nil, "run", b.write("n.yaml", other)), 0, "2 images made")
	if totals := b.sim.Totals(); totals.Uploads != 2 || totals.Accepted != 4 {
		b.t.Errorf("%d uploads, want the picture and the placeholder; %d requests", totals.Uploads, totals.Accepted)
	}
}

func uploadsAreFree(b *bed) {
	b.paint("look.png", color.Black)
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", drawing)), 0, "2 images made")
	if totals := b.sim.Totals(); totals.Charged != 2*17_750 || totals.Uploads == 0 {
		b.t.Errorf("%s CU were charged, with %d uploads", totals.Charged, totals.Uploads)
	}
}

// contentCounts gives a picture another name, and then other content.
func contentCounts(b *bed) {
	b.paint("look.png", color.Black)
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", drawing+cutout)), 0, "4 images made")
	b.paint("same.png", color.Black)
	b.wants(b.enqueue(nil, "plan", b.write("m.yaml", strings.ReplaceAll(drawing, "look.png", "same.png")+cutout)), 0, "4 kept")
	b.paint("same.png", color.White)
	b.wants(b.enqueue(nil, "plan", filepath.Join(b.folder, "m.yaml")), 0, "4 changed")
}

func needFails(b *bed) {
	b.paint("look.png", color.Black)
	if err := b.sim.SetFaults(simulator.Fault{Kind: simulator.FaultModeration, Next: 2}); err != nil {
		b.t.Fatal(err)
	}
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", drawing+cutout)), 3, "made from a, which failed")
	b.accepted(2)
}

func waitsForAPick(b *bed) {
	b.paint("look.png", color.Black)
	file := b.write("m.yaml", drawing+picked)
	b.wants(b.enqueue(nil, "run", file), 0, "2 jobs wait for a pick")
	b.wants(b.enqueue(nil, "run", file), 0, "enqueue pick")
	b.accepted(2)
	b.wants(b.enqueue(nil, "pick", "m", "b"), 0, "1 mark noted")
	b.wants(b.enqueue(nil, "run", file), 0, "1 image made")
	b.accepted(3)
}

func firstImageAlone(b *bed) {
	b.paint("look.png", color.Black)
	two := strings.Replace(drawing, "items:", "samples: 2\nitems:", 1)
	b.wants(b.enqueue(nil, "plan", b.write("m.yaml", two+cutout)), 0, "made of the first image of each row, and of none of the others")
	b.wants(b.enqueue(nil, "plan", b.write("m.yaml", two+picked)), 0, "4 waiting")
}

func pickedIsKept(b *bed) {
	b.paint("look.png", color.Black)
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", drawing)), 0, "2 images made")
	b.wants(b.enqueue(nil, "pick", "m", "a"), 0, "1 mark noted")
	edited := b.write("m.yaml", strings.ReplaceAll(drawing, "a ship", "a large ship"))
	b.wants(b.enqueue(nil, "run", edited), 2, "--replace-picked")
	b.accepted(2)
	b.wants(b.enqueue(nil, "run", "--replace-picked", edited), 0, "1 image made")
}

func seedIsFixed(b *bed) {
	b.paint("look.png", color.Black)
	fixed := b.write("m.yaml", drawing+"axes: {product: {seed: [7]}}\n")
	b.wants(b.enqueue(nil, "run", fixed), 0, "2 images made")
	b.wants(b.enqueue(nil, "pick", "--reject", "m", "a/7"), 0, "1 mark noted")
	b.wants(b.enqueue(nil, "retry", "m", "--rejected", "--new-seeds"), 2, "seed")
	b.accepted(2)
}
