package plan

import (
	"strings"

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

// meant returns the input of the model that a name means: in another form, by a name
// of other tools, or with one letter wrong. It is nil where none surely is.
func (c *checker) meant(name string) *input {
	folded := suggest.Fold(name)
	if in := c.folded[folded]; in != nil {
		return in
	}
	for _, other := range synonyms[folded] {
		if in := c.folded[other]; in != nil {
			return in
		}
	}
	const long = 5 // letters, of which one is a slip rather than another word
	if len(folded) < long {
		return nil
	}
	for i := range c.model.Inputs {
		known := suggest.Fold(c.model.Inputs[i].Name)
		if strings.HasPrefix(known, folded[:1]) && suggest.Distance(folded, known) == 1 && known+"s" != folded && folded+"s" != known {
			return c.inputs[c.model.Inputs[i].Name]
		}
	}
	return nil
}

// isParameter reports whether a name is that of a parameter in image tools.
func isParameter(name string) bool { return len(synonyms[suggest.Fold(name)]) > 0 }
