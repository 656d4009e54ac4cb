package nights

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"nightshift/internal/simulator"
)

// Steps: what is made of the images of a batch, one after the other, each once and of the image
// that its row has made. A row that fails takes its steps with it.
var _ = register(capability{name: "steps", counts: []string{"steps: taken", "steps: uploaded to another project"}, draw: drawSteps})

// mostStepped is how many rows a batch has at the most of which steps are made.
const mostStepped = 25

// stepsLine begins the steps of a manifest.
const stepsLine = "steps:"

func drawSteps(r *rand.Rand, s *script) *part {
	if r.IntN(4) > 0 {
		return nil
	}
	i := slices.IndexFunc(s.batches, func(b drawnBatch) bool {
		equal := b.shape.name == severalImages || b.shape.name == equalJobs
		return b.rows <= mostStepped && b.samples <= 1 && b.budget == 0 && !equal && !slices.Contains(b.more, stepsLine)
	})
	if i < 0 {
		return nil
	}
	b := &s.batches[i]
	b.more = append(b.more, stepsLine)
	given := len(b.more)
	// Each changes the image: of two that are the same nobody could tell whose a step has taken.
	for step, model := range []string{"model_bria-remove-background", "model_recraft-crisp-upscale"}[:1+r.IntN(2)] {
		b.more = append(b.more, fmt.Sprintf("  s%d: {model: %s, images: {image: %q}}", step, model, "{previous}"))
	}
	return &part{
		tells: fmt.Sprintf("%s has %d steps", b.name, len(b.more)-given),
		judge: func(n *drawnNight, ledger []simulator.Entry) {
			for _, e := range ledger {
				if len(n.taken(e, isMade)) > 0 {
					strikes.add("steps: taken")
				}
			}
			_, made := n.pictureNames()
			for _, upload := range n.sim.Uploads() {
				if len(made[upload.SHA256]) > 0 {
					strikes.add("steps: uploaded to another project")
				}
			}
		},
	}
}
