package plan

import (
	"slices"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/suggest"
)

// pictureWords are what people call a column of pictures, folded.
var pictureWords = strings.Fields("picture pictures pictureurl picturepath pic photo photos sketch reference references ref refs " +
	"referenceimage referenceimages refimage refimages image images img imageurl imagepath imagefile initimage inputimage sourceimage baseimage")

// isPicture reports whether an unused variable is a column of pictures by its name, and a picture
// by its value.
func isPicture(row *manifest.Row, variable string) bool {
	return slices.Contains(row.Pictured, variable) && slices.Contains(pictureWords, suggest.Fold(variable))
}

// takesPictures reports whether an input takes pictures, and not other files.
func (in *input) takesPictures() bool {
	return (in.Type == job.TypeFile || in.Type == job.TypeFileArray) && (in.Kind == "" || in.Kind == "image")
}

// pictureInput is the input to which an unused variable means to give its picture; nil where none
// surely is, or where the row gives one to it already.
func (c *checker) pictureInput(row *manifest.Row, variable string) *input {
	var best *input
	most := 0
	for i := range c.model.Inputs {
		in := c.inputs[c.model.Inputs[i].Name]
		if rank := pictureRank(in, suggest.Fold(variable)); in.takesPictures() && rank > most {
			best, most = in, rank
		}
	}
	if best == nil || slices.Contains(pictureNames(row), best.Name) || row.Gives(best.Name) {
		return nil
	}
	return best
}

// pictureRank is how likely a folded name means an input that takes pictures.
func pictureRank(in *input, folded string) int {
	name := suggest.Fold(in.Name)
	switch {
	case name == folded:
		return 5
	case strings.Contains(name, folded) || strings.Contains(folded, name):
		return 4
	case in.Required != nil:
		return 3
	case !strings.Contains(name, "mask"):
		return 2
	default:
		return 1
	}
}
