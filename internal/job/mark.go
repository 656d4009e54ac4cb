package job

// Mark is what a person thinks of an image.
type Mark string

// The marks.
const (
	Picked   Mark = "pick"
	Rejected Mark = "reject"
	Unmarked Mark = "none" // never marked, or the mark was taken back
)

// Known reports whether it is one of the marks.
func (m Mark) Known() bool { return m == Picked || m == Rejected || m == Unmarked }

// InheritedMark is the mark of an image or, where it has none, that of what it was made of,
// and so on: picked if one of those images is, else rejected if one is. own tells the mark of
// an image itself, and from the images that it was made of.
func InheritedMark(image Picture, own func(image Picture) Mark, from func(image Picture) []Picture) Mark {
	asked := make(map[Picture]bool) // so that a damaged log leads in no circle
	var inherit func(image Picture) Mark
	inherit = func(image Picture) Mark {
		if mark := own(image); mark != Unmarked {
			return mark
		}
		asked[image] = true
		best := Unmarked
		for _, origin := range from(image) {
			if asked[origin] {
				continue
			}
			switch inherit(origin) {
			case Picked:
				return Picked
			case Rejected:
				best = Rejected
			case Unmarked:
			}
		}
		return best
	}
	return inherit(image)
}
