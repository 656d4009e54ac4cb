package nights

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// Steps: what is made of the images of a batch, one after the other, each once and of the image
// that its row has made. A row that fails takes its steps with it.
var _ = register(capability{name: "steps", counts: []string{"steps: taken", "steps: uploaded to another project"}, draw: drawSteps})

// mostStepped is how many rows a batch has at the most of which steps are made.
const mostStepped = 25

func drawSteps(r *rand.Rand, s *script) *part {
	if r.IntN(4) > 0 {
		return nil
	}
	i := slices.IndexFunc(s.batches, func(b drawnBatch) bool {
		equal := b.shape.name == severalImages || b.shape.name == equalJobs
		return b.rows <= mostStepped && b.samples <= 1 && b.budget == 0 && !equal
	})
	if i < 0 {
		return nil
	}
	b := &s.batches[i]
	b.more = append(b.more, "steps:")
	// Each changes the image: of two that are the same nobody could tell whose a step has taken.
	for step, model := range []string{"model_bria-remove-background", "model_recraft-crisp-upscale"}[:1+r.IntN(2)] {
		b.more = append(b.more, fmt.Sprintf("  s%d: {model: %s, images: {image: %q}}", step, model, "{previous}"))
	}
	return &part{
		tells: fmt.Sprintf("%s has %d steps", b.name, len(b.more)-1),
		judge: func(n *drawnNight, ledger []simulator.Entry) {
			for _, e := range ledger {
				if _, taken := e.Input["image"]; taken {
					strikes.add("steps: taken")
				}
			}
			if len(n.sim.Uploads()) > 1 { // one is the placeholder of dry runs
				strikes.add("steps: uploaded to another project")
			}
		},
	}
}

// ledger is the simulator's, in which the images that steps have taken are named as plans name
// them: by the job that has made them. Images of the same content, such as one that was cut out
// twice, are one upload; of their jobs it is the one whose image was asked for.
func (n *drawnNight) ledger() []simulator.Entry {
	names, contents := make(map[string][]string), make(map[string][]string) // by asset, and by content
	asked := make(map[string]bool)
	for _, b := range n.batches {
		for _, r := range b.succeeded() {
			for i, image := range r.Images {
				name, sum := job.Picture{Job: r.Job, Image: i}.String(), b.hashOf(r.Key(b.manifest.Batch(), i))
				names[image.Asset], contents[sum] = append(names[image.Asset], name), append(contents[sum], name)
			}
		}
		for _, j := range b.asked {
			asked[content(j.Model, j.Inputs)] = true
		}
	}
	for _, upload := range n.sim.Uploads() {
		names[upload.AssetID] = append(names[upload.AssetID], contents[upload.SHA256]...)
	}
	entries := n.sim.Ledger()
	for i := range entries {
		asset, taken := entries[i].Input["image"].(string)
		if !taken {
			continue
		}
		input := maps.Clone(entries[i].Input)
		for _, name := range names[asset] {
			input["image"] = name
			if asked[content(entries[i].Model, input)] {
				entries[i].Input = input
				break
			}
		}
	}
	return entries
}
