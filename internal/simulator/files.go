package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
)

// fileInput is an input that takes images, with what the record says of it beyond
// [job.Input].
type fileInput struct {
	Name    string        `json:"name"`
	Type    job.InputType `json:"type"`
	Kind    string        `json:"kind"`
	MaxSize int64         `json:"maxSize"` // bytes; 0 means no bound
	Parent  bool          `json:"parent"`
}

func (f *fileInput) takesFiles() bool { return f.Type == job.TypeFile || f.Type == job.TypeFileArray }

// file is an image that a request names.
type file struct {
	input *fileInput
	place int // among the items of a list
	asset *asset
}

// values are the items of an input's value. Scenario API: a bare value where a list is
// wanted is dropped without a word.
func (f *fileInput) values(inputs job.Inputs) []any {
	switch value := inputs[f.Name].(type) {
	case nil:
		return nil
	case []any:
		if f.Type == job.TypeFileArray {
			return value
		}
		return []any{value}
	default:
		if f.Type == job.TypeFileArray || !given(value) {
			return nil
		}
		return []any{value}
	}
}

// readFiles finds the images that a request names, or refuses it. Scenario API: the API
// looks each up when the job is made, a dry run prices them, too, and refuses models that
// take none; an input of one kind takes data URLs. The words of all of these are the
// simulator's own.
func (s *Simulator) readFiles(m *model, inputs job.Inputs, key *Key) ([]file, *reply) {
	if refused := s.models.refuseStrangeFiles(m, inputs); refused != nil {
		return nil, refused
	}
	var files []file
	for i := range m.files {
		input := &m.files[i]
		for place, value := range input.values(inputs) {
			asset, refused := s.readFile(input, value, key)
			if refused != nil {
				return nil, refused
			}
			files = append(files, file{input, place, asset})
		}
	}
	return files, nil
}

func (s *Simulator) readFile(input *fileInput, value any, key *Key) (*asset, *reply) {
	text, isText := value.(string)
	if !isText || text == "" {
		return nil, reason(http.StatusBadRequest, "Input %s must be the id of an asset", input.Name)
	}
	found := s.book.findAsset(text, key, time.Now())
	if isDataURL(text) {
		var err error
		if found, err = assetOfDataURL(input, text, key); err != nil {
			return nil, reason(http.StatusBadRequest, "Input %s is invalid: %s", input.Name, err)
		}
	}
	switch {
	case found == nil:
		return nil, noSuchAsset(text)
	case input.Kind != "" && !slices.Contains(strings.Split(input.Kind, ","), kindImage):
		return nil, reason(http.StatusBadRequest, "Input %s must be an asset of kind %s", input.Name, input.Kind)
	case input.MaxSize > 0 && s.images.size(found) > input.MaxSize:
		return nil, reason(http.StatusBadRequest, "Input %s must be at most %d bytes", input.Name, input.MaxSize)
	}
	return found, nil
}

// assetOfDataURL is the asset that a paid call makes of a data URL, without an id as long as
// it is not accepted.
func assetOfDataURL(input *fileInput, text string, key *Key) (*asset, error) {
	data, err := decodeImageText(text)
	if err != nil {
		return nil, err
	}
	read, err := readImage(data)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	sent := &upload{
		route: UploadAsInput, key: key, name: input.Name, mime: read.format.MIME(), size: len(data),
		began: now, content: read, complete: true,
	}
	return newUploadedAsset(sent, now), nil
}

// refuseStrangeFiles refuses files for inputs that the model does not have: those that
// other models have, and whatever looks like a file.
func (c *catalogue) refuseStrangeFiles(m *model, inputs job.Inputs) *reply {
	for name, value := range inputs {
		if m.Input(name) == nil && given(value) && (c.fileNames[name] || looksLikeFile(value)) {
			return reason(http.StatusBadRequest, "Input %s is not an input of model %s", name, m.ID)
		}
	}
	return nil
}

func looksLikeFile(value any) bool {
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	return slices.ContainsFunc(items, func(item any) bool {
		text := fmt.Sprint(item)
		return strings.HasPrefix(text, "asset_") || isDataURL(text)
	})
}

// deleteInput deletes the first asset that a paid call names, where the fault befalls it.
func (s *Simulator) deleteInput(m *model, inputs job.Inputs, key *Key) {
	for i := range m.files {
		for _, value := range m.files[i].values(inputs) {
			found := s.book.findAsset(fmt.Sprint(value), key, time.Now())
			if found == nil {
				continue
			}
			if s.fault(FaultDeleteInput) != nil {
				s.book.deleteAsset(found)
			}
			return
		}
	}
}

// parentOf is the asset that the results of a request come from. Scenario API: the first of
// the first input that is marked as parent.
func parentOf(files []file) string {
	for _, file := range files {
		if file.input.Parent {
			return file.asset.id
		}
	}
	return ""
}

// keepFiles records the images that came as data URLs, and shows their ids in place of
// these. The caller holds mu.
func (b *book) keepFiles(o *order) {
	for _, file := range o.files {
		if file.asset.id != "" {
			continue
		}
		file.asset.id = b.drawID("asset_")
		file.asset.upload.asset = file.asset
		b.assets[file.asset.id] = file.asset
		b.uploads = append(b.uploads, file.asset.upload)
		if list, isList := o.inputs[file.input.Name].([]any); isList {
			list[file.place] = file.asset.id
		} else {
			o.inputs[file.input.Name] = file.asset.id
		}
	}
}
