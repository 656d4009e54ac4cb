package plan

import (
	"encoding/json"
	"slices"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/suggest"
)

// synonyms are the names by which image tools call one and the same parameter, folded.
// A name of a group means whichever of its names the model has.
var synonyms = groups(
	"numinferencesteps steps inferencesteps numsteps stepcount samplingsteps samplesteps diffusionsteps numberofsteps",
	"guidance guidancescale cfg cfgscale classifierfreeguidance guidancestrength promptguidance",
	"negativeprompt negative neg negprompt negativeprompts prompt2negative uc unconditionalprompt",
	"aspectratio aspect ratio ar imageaspectratio",
	"width w imagewidth outputwidth",
	"height h imageheight outputheight",
	"strength denoise denoisingstrength denoising imagestrength denoisestrength",
	"image initimage inputimage sourceimage referenceimage baseimage initimageid imageurl img",
	"mask maskimage inpaintmask",
	"scheduler sampler samplername samplermethod samplingmethod",
	"loras lora loramodel loraid",
	"lorasscale loraweight loraweights lorascale lorastrength",
	"clipskip skipclip",
	"imageformat outputformat format fileformat outputtype",
	"outputquality imagequality jpegquality compressionquality",
	"quality",
	"resolution imagesize size outputsize dimensions",
	"tile tiling tileable seamless",
	"upscale upscaling scale upscalefactor scalefactor",
)

// doubtful are those of the names that people also use for things of their own, the size
// of a shirt for example. They mean the parameter where their value suits it.
var doubtful = []string{
	"w", "h", "ar", "aspect", "ratio", "size", "scale", "format", "resolution", "dimensions", "negative", "neg", "uc", "img", "steps", "tiling",
}

func groups(lines ...string) map[string][]string {
	all := make(map[string][]string)
	for _, line := range lines {
		names := strings.Fields(line)
		for _, name := range names {
			all[name] = names
		}
	}
	return all
}

// suits reports whether the input takes a text, as that or as what it looks like.
func (in *input) suits(value string) bool {
	readings := []any{value}
	switch document.PlainKind(value) {
	case document.Number:
		readings = append(readings, job.Number(json.Number(value)))
	case document.Bool:
		readings = append(readings, strings.EqualFold(value, "true"))
	}
	return slices.ContainsFunc(readings, func(reading any) bool { return !in.check(reading).found() })
}

// meant returns the input of the model that a name with this value means: in another form,
// by a name of other tools, or with a letter wrong. It is nil where none surely is.
func (c *checker) meant(name, value string) *input {
	folded := suggest.Fold(name)
	if in := c.folded[folded]; in != nil {
		return in
	}
	for _, other := range synonyms[folded] {
		if in := c.folded[other]; in != nil && (!slices.Contains(doubtful, folded) || in.suits(value)) {
			return in
		}
	}
	for i := range c.model.Inputs {
		if isSlip(folded, suggest.Fold(c.model.Inputs[i].Name)) {
			return c.inputs[c.model.Inputs[i].Name]
		}
	}
	return nil
}

// isSlip reports whether a name is another one with a letter wrong, rather than a word of
// its own: a title is no tile. Two letters are swapped, or the name is long.
func isSlip(name, meant string) bool {
	const long = 8
	if name == "" || meant == "" || name[0] != meant[0] || suggest.Distance(name, meant) != 1 {
		return false
	}
	return len(name) == len(meant) && sorted(name) == sorted(meant) || min(len(name), len(meant)) >= long
}

func sorted(name string) string {
	letters := []byte(name)
	slices.Sort(letters)
	return string(letters)
}

// isParameter reports whether a name is that of a parameter in image tools.
func isParameter(name string) bool { return len(synonyms[suggest.Fold(name)]) > 0 }
