package simulator

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/simulator/picture"
)

// value is what the run uses for an input: what was sent, or the default.
func (m *model) value(name string, inputs job.Inputs) any {
	if value := inputs[name]; given(value) {
		return value
	}
	return defaultOf(m.Input(name))
}

func (m *model) number(name string, inputs job.Inputs) (int, bool) {
	if m.Input(name) == nil {
		return 0, false // not an input of this model, so ignored
	}
	number, ok := numberOf(m.value(name, inputs))
	return int(math.Round(number)), ok
}

// count is the number of images that a request makes.
func (m *model) count(inputs job.Inputs) int {
	input := m.CountInput()
	if input == nil {
		return 1
	}
	count, _ := m.number(input.Name, inputs)
	return max(1, count)
}

// size is the size of the images that a request makes.
func (m *model) size(inputs job.Inputs) (width, height int) {
	width, height = m.behaviour.Width, m.behaviour.Height
	if m.Input("aspectRatio") != nil {
		return sizeOfRatio(fmt.Sprint(m.value("aspectRatio", inputs)), width*height, width, height)
	}
	if sent, ok := m.number("width", inputs); ok {
		width = sent
	}
	if sent, ok := m.number("height", inputs); ok {
		height = sent
	}
	return max(1, width), max(1, height)
}

// sizeOfRatio is the size of about so many pixels with a ratio such as "16:9", in
// steps of 16.
func sizeOfRatio(ratio string, pixels, width, height int) (int, int) {
	var across, down float64
	if n, err := fmt.Sscanf(ratio, "%f:%f", &across, &down); n != 2 || err != nil || across <= 0 || down <= 0 {
		return width, height
	}
	exact := math.Sqrt(float64(pixels) * across / down)
	step := func(length float64) int { return max(16, int(math.Round(length/16))*16) }
	return step(exact), step(exact * down / across)
}

// seed is the seed that was sent, if the model has one and it was.
func (m *model) seed(inputs job.Inputs) (int64, bool) {
	if m.Input(job.SeedInput) == nil {
		return 0, false
	}
	number, ok := numberOf(inputs[job.SeedInput])
	return int64(number), ok
}

// format is the file format of the images.
func (m *model) format(inputs job.Inputs) picture.Format {
	asked := picture.Format(fmt.Sprint(m.value("outputFormat", inputs)))
	if m.Input("outputFormat") != nil && asked.Known() {
		return asked
	}
	return m.behaviour.Format
}

// prompt is the text of the input marked as prompt, and its name.
func (m *model) prompt(inputs job.Inputs) (name, text string) {
	for i := range m.Inputs {
		if m.Inputs[i].Prompt {
			text, _ = inputs[m.Inputs[i].Name].(string)
			return m.Inputs[i].Name, text
		}
	}
	return "", ""
}

// refusedWord returns a word of the prompt that the model's moderation refuses.
func (m *model) refusedWord(prompt string) string {
	for word := range strings.FieldsFuncSeq(strings.ToLower(prompt), func(r rune) bool { return !('a' <= r && r <= 'z') }) {
		if slices.Contains(m.behaviour.RefusesWords, word) {
			return word
		}
	}
	return ""
}
