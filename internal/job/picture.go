package job

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A plan names the pictures that a job takes by what they are, so that the job's identity
// is that of its content: a file by its hash, an image of the batch by the job that makes
// it. What is sent in their place is an asset of the provider, which differs by project.
const (
	filePrefix = "sha256:"
	madePrefix = "job:"
)

// Picture is a picture that a plan names: a file by its hash in hex, or image Image, from
// 0, of job Job.
type Picture struct {
	SHA256 string
	Job    ID
	Image  int
}

// String is the picture as it stands in the inputs of a plan.
func (p Picture) String() string {
	if p.SHA256 != "" {
		return filePrefix + p.SHA256
	}
	return madePrefix + string(p.Job) + "#" + strconv.Itoa(p.Image)
}

// ParsePicture reads what String writes. It reports false for anything else, such as the
// id of an asset.
func ParsePicture(value string) (Picture, bool) {
	if sum, ok := strings.CutPrefix(value, filePrefix); ok {
		return Picture{SHA256: sum}, sum != ""
	}
	made, ok := strings.CutPrefix(value, madePrefix)
	if !ok {
		return Picture{}, false
	}
	id, number, ok := strings.Cut(made, "#")
	image, err := strconv.Atoi(number)
	p := Picture{Job: ID(id), Image: image}
	return p, ok && err == nil && image >= 0 && p.Job.Valid()
}

// Made is an image of the batch that another job takes: what it was stored under, and the
// asset that it is for the API key that paid for it.
type Made struct {
	Key    string `json:"key"` // object key within the batch's folder
	Asset  string `json:"asset,omitempty"`
	APIKey string `json:"apiKey,omitempty"`
}

// NeedFailed is a job that has not made what another takes.
type NeedFailed struct {
	Row    string `json:"row"`
	Reason string `json:"reason"`
}

const (
	needBegins = "it is made from "
	needFailed = ", which failed: "
)

// String is the reason of the job that takes its image.
func (n NeedFailed) String() string { return needBegins + n.Row + needFailed + n.Reason }

// ParseNeedFailed reads what String writes: of a job that failed for this reason, those that
// take its image have the same one.
func ParseNeedFailed(reason string) (NeedFailed, bool) {
	rest, begins := strings.CutPrefix(reason, needBegins)
	row, why, failed := strings.Cut(rest, needFailed)
	return NeedFailed{Row: row, Reason: why}, begins && failed
}

// Pictures are the pictures that the job takes, as its plan names them, without those that
// a person gave as assets.
func (j *Job) Pictures() []Picture {
	var pictures []Picture
	eachPicture(j.Inputs, j.PictureInputs, func(value string) string {
		if p, ok := ParsePicture(value); ok {
			pictures = append(pictures, p)
		}
		return value
	})
	return pictures
}

// MadePictures are those of the pictures that other jobs make.
func (j *Job) MadePictures() []Picture {
	return slices.DeleteFunc(j.Pictures(), func(p Picture) bool { return p.Job == "" })
}

// PictureName is what people call a picture that the job takes.
func (j *Job) PictureName(p Picture) string {
	return cmp.Or(j.PictureNames[p.String()], j.Made[p.String()].Key, p.String())
}

// Needs are the jobs whose images the job takes.
func (j *Job) Needs() []ID {
	var needs []ID
	for _, p := range j.MadePictures() {
		needs = append(needs, p.Job)
	}
	return needs
}

// Takes reports whether an asset is one of the pictures that the job was given.
func (j *Job) Takes(asset string) bool {
	taken := false
	eachPicture(maps.Clone(j.Request().Inputs), j.PictureInputs, func(value string) string {
		taken = taken || value == asset
		return value
	})
	return taken
}

// WithPictures is a copy of the inputs in which each picture of the named inputs is what put
// says.
func (in Inputs) WithPictures(names []string, put func(value string) string) Inputs {
	replaced := make(Inputs, len(in))
	maps.Copy(replaced, in)
	eachPicture(replaced, names, put)
	return replaced
}

// eachPicture replaces the values of the named inputs; lists are copied before.
func eachPicture(inputs Inputs, names []string, put func(value string) string) {
	for _, name := range names {
		switch value := inputs[name].(type) {
		case string:
			if told := put(value); told != value {
				inputs[name] = told
			}
		case []any:
			inputs[name] = putInList(value, put)
		}
	}
}

func putInList(items []any, put func(value string) string) []any {
	replaced := make([]any, len(items))
	for i, item := range items {
		replaced[i] = item
		if text, ok := item.(string); ok {
			replaced[i] = put(text)
		}
	}
	return replaced
}
