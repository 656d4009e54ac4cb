package report

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// maxText bounds a text in the sheet: prompts fit, an image that was passed as
// an input in base64 does not.
const maxText = 16 << 10

// entry is one job in the contact sheet's data. Names and values are pairs in
// lists, never fields of an object, because they come from the manifest and a
// browser gives some field names a meaning.
type entry struct {
	Job        string    `json:"job"`
	Row        string    `json:"row"`
	State      job.State `json:"state"`
	Model      string    `json:"model"`
	Prompt     string    `json:"prompt"`
	Seed       string    `json:"seed"`
	Parameters []pair    `json:"parameters"` // all inputs but prompt and seed
	Variables  []pair    `json:"variables"`
	Outputs    []string  `json:"outputs"` // planned names, where there are no images
	Images     []picture `json:"images"`
	Inference  string    `json:"inference"`
	Attempts   int       `json:"attempts"`
	Quoted     job.CU    `json:"quoted"`
	Billed     job.CU    `json:"billed"`
	Refunded   job.CU    `json:"refunded"`
	Seconds    float64   `json:"seconds"` // from submission to the inference's end; 0 if unknown
	Recorded   string    `json:"recorded"`
	Kind       string    `json:"kind"`
	Reason     string    `json:"reason"`
	Hint       string    `json:"hint"`
}

type pair [2]string

// picture is one image. Addresses are relative to index.html and encoded.
type picture struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Thumb   string `json:"thumb"` // "" where none can be named
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	Bytes   int64  `json:"bytes"`
	Format  string `json:"format"`
	Warning string `json:"warning"`
}

func newEntry(r *job.Result) entry {
	e := entry{
		Job: string(r.Job), Row: r.Row, State: r.State, Model: r.Model,
		Prompt: text.Shown(r.Prompt, maxText), Seed: r.Seed,
		Parameters: parameters(r), Variables: []pair{}, Outputs: []string{}, Images: []picture{},
		Inference: r.Inference, Attempts: r.Attempts,
		Quoted: r.Quoted, Billed: r.Billed, Refunded: r.Refunded,
		Seconds: runSeconds(r), Recorded: r.Recorded.UTC().Format(time.RFC3339),
		Kind: r.Kind, Reason: text.Shown(r.Reason, maxText), Hint: text.Shown(r.Hint, maxText),
	}
	for _, name := range slices.Sorted(maps.Keys(r.Variables)) {
		e.Variables = append(e.Variables, pair{name, text.Shown(r.Variables[name], maxText)})
	}
	if len(r.Images) == 0 {
		e.Outputs = append(e.Outputs, r.Outputs...)
	}
	for _, image := range r.Images {
		e.Images = append(e.Images, newPicture(image))
	}
	return e
}

func newPicture(image job.Image) picture {
	thumb, err := thumbName(image)
	if err != nil || needsNone(image) {
		thumb = "" // none was made; the sheet shows the image itself
	} else {
		thumb = relativeAddress(thumb)
	}
	return picture{
		Name: image.Key, Address: relativeAddress(image.Key), Thumb: thumb,
		Width: image.Width, Height: image.Height, Bytes: image.Bytes, Format: image.Format,
		Warning: text.Shown(image.Warning, maxText),
	}
}

// parameters are the inputs but those that the sheet shows by themselves.
func parameters(r *job.Result) []pair {
	list := []pair{}
	for _, name := range slices.Sorted(maps.Keys(r.Inputs)) {
		value, isText := r.Inputs[name].(string)
		switch {
		case name == job.SeedInput && r.Seed != "", isText && value == r.Prompt && value != "":
			continue
		case !isText:
			value = encodeValue(r.Inputs[name])
		}
		list = append(list, pair{name, text.Shown(value, maxText)})
	}
	return list
}

// encodeValue shows a value that is no text: numbers as they were written.
func encodeValue(value any) string {
	if number, ok := value.(json.Number); ok {
		return number.String()
	}
	canonical := job.Inputs{"": value}.Canonical() // {"":value}
	return string(canonical[len(`{"":`) : len(canonical)-1])
}

func runSeconds(r *job.Result) float64 {
	if r.Submitted.IsZero() || r.Ended.IsZero() {
		return 0
	}
	return round(float64(seconds(r.Submitted, r.Ended)), 1)
}

// relativeAddress makes an object key an address that can only lead into the folder
// of the sheet: every segment is encoded, and "./" keeps a colon from being read as
// the end of a scheme.
func relativeAddress(key string) string {
	segments := strings.Split(key, "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return "./" + strings.Join(segments, "/")
}
