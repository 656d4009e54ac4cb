package simulator

import (
	"math"
	"math/rand/v2"
	"strconv"

	"nightshift/internal/simulator/picture"
)

// newAssets settles what the images of a run will be. The caller holds mu.
func (b *book) newAssets(r *run, o *order, random *rand.Rand) []*asset {
	width, height := o.size()
	if o.wrongSize {
		width, height = otherLength(width), otherLength(height)
	}
	claimed := o.model.format(o.inputs)
	format := claimed
	if o.wrongFormat {
		format = otherFormat(claimed)
	}
	seed, sent := o.model.seed(o.inputs)
	if !sent {
		seed = random.Int64N(math.MaxInt32)
	}
	assets := make([]*asset, o.model.count(o.inputs))
	for i := range assets {
		assets[i] = &asset{
			id: b.drawID("asset_"), owner: r.key, made: r.ends(), run: r, parent: parentOf(o.files), kind: o.assetKind(),
			tool: o.model.behaviour.Tool, sources: o.sources(), format: format, claimed: claimed, seedText: strconv.FormatInt(seed, 10),
			spec: picture.Spec{Model: o.model.ID, Prompt: r.prompt, Seed: seed, Index: i, Width: width, Height: height},
		}
	}
	return assets
}

// assetKind is what the records of the results say of where they come from.
func (o *order) assetKind() assetKind {
	switch {
	case o.model.behaviour.Tool == picture.CutOut:
		return kindCutOut
	case o.model.behaviour.Tool == picture.Enlarge:
		return kindEnlarged
	case len(o.files) > 0:
		return kindFromImage
	default:
		return kindFromText
	}
}

// referenceShare is how much of all references together shows in a picture.
const referenceShare = 0.4

// sources are the images that the results are drawn from.
func (o *order) sources() []source {
	var sources []source
	for _, file := range o.files {
		share := referenceShare / float64(len(o.files))
		if file.input.Name == strengthOf && o.model.Input(strengthInput) != nil {
			strength, _ := numberOf(o.model.value(strengthInput, o.inputs))
			share = 1 - strength // Scenario API: the stronger, the less of the image is left
		}
		sources = append(sources, source{file.asset, share})
	}
	return sources
}

// The input that says how far a result may be from an image, and that of the image.
const strengthInput, strengthOf = "strength", "image"

// maxEnlarged is the most pixels of an enlarged image; the real bound is not known.
const maxEnlarged = 16 << 20

// size is the size of the images that the order makes: of a tool, by that of its image.
func (o *order) size() (width, height int) {
	if o.model.behaviour.Tool == "" || len(o.files) == 0 {
		return o.model.size(o.inputs)
	}
	from := o.files[0].asset.spec
	if o.model.behaviour.Tool == picture.CutOut {
		return from.Width, from.Height
	}
	factor := float64(o.model.behaviour.Enlarge)
	if sent, known := numberOf(o.model.value("upscaleFactor", o.inputs)); known && o.model.Input("upscaleFactor") != nil {
		factor = sent
	}
	factor = max(1, min(factor, math.Sqrt(maxEnlarged/float64(from.Width*from.Height))))
	return int(float64(from.Width) * factor), int(float64(from.Height) * factor)
}

// otherLength is a length that a model might give instead of the one asked for.
func otherLength(length int) int { return max(16, length*5/4/16*16) }

func otherFormat(format picture.Format) picture.Format {
	if format == picture.JPEG {
		return picture.WebP
	}
	return picture.JPEG
}
