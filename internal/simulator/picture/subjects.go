package picture

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// subjectsText lists the things that can be shown: a line "= word word …" with the
// words that mean it (weak ones with a "~"), then its layers from back to front, a tone and a path each.
//
//go:embed subjects.txt
var subjectsText string

// subject is a thing that words stand for.
type subject struct {
	layers []layer
	weak   map[string]bool // words that count only where nothing else is named
}

type layer struct {
	tone    string
	outline path
}

// subjectsByWord reads the list once.
var subjectsByWord = sync.OnceValue(func() map[string]*subject {
	byWord, err := parseSubjects(subjectsText)
	if err != nil {
		panic("picture: " + err.Error()) // the list is part of the program
	}
	return byWord
})

func parseSubjects(text string) (map[string]*subject, error) {
	byWord := map[string]*subject{}
	var current *subject
	for number, line := range strings.Split(text, "\n") {
		first, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case first == "" || first == "#":
		case first == "=":
			current = &subject{weak: map[string]bool{}}
			for word := range strings.FieldsSeq(rest) {
				word, weak := strings.CutPrefix(word, "~")
				byWord[word], current.weak[word] = current, weak
			}
		case current == nil:
			return nil, fmt.Errorf("subjects line %d: a layer before the first subject", number+1)
		default:
			outline, err := parsePath(rest)
			if err != nil {
				return nil, fmt.Errorf("subjects line %d: %w", number+1, err)
			}
			current.layers = append(current.layers, layer{first, outline})
		}
	}
	return byWord, nil
}

// strengths of the tones that let the layers below shine through.
var strengths = map[string]float64{"gloss": 0.5, "shade": 0.2, "glass": 0.55}

// draw paints the subject's shadow and then its layers.
func (s *subject) draw(c *canvas, colors palette, at placing) {
	shadow := at
	shadow.middle.x += 2.2 * at.scale
	shadow.middle.y += 2.6 * at.scale
	c.shape(s.layers[0].outline.placed(shadow), black, 0.2)
	for _, layer := range s.layers {
		strength, thin := strengths[layer.tone]
		if !thin {
			strength = 1
		}
		c.shape(layer.outline.placed(at), colors.tones[layer.tone], strength)
	}
}
