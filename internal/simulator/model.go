package simulator

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"

	"nightshift/internal/job"
	"nightshift/internal/simulator/picture"
)

//go:embed models/*.json
var builtinModels embed.FS

// model is a model record, and how the simulator runs it.
type model struct {
	job.Model
	Privacy            string `json:"privacy"`
	AccessRestrictions int    `json:"accessRestrictions"`
	behaviour          behaviour
	files              []fileInput    // inputs that take images
	record             map[string]any // as GET /models/{id} shows it
}

// typeCustom is the type of the models that run.
const typeCustom = "custom"

// behaviour is the "simulator" block that a record may carry: what the record of
// the real API does not say.
type behaviour struct {
	Price         job.CU                        `json:"price"`         // of one image at the defaults
	QualityGate   job.CU                        `json:"qualityGate"`   // the add-on of one image
	PerItem       map[string]job.CU             `json:"perItem"`       // input -> price of each item of it
	Factors       map[string]map[string]float64 `json:"factors"`       // input -> value -> factor on the price
	Width         int                           `json:"width"`         // where neither request nor
	Height        int                           `json:"height"`        // record name a size
	Format        picture.Format                `json:"format"`        // where the request names none
	MinPixels     int                           `json:"minPixels"`     // fewer fail after acceptance
	RefusesWords  []string                      `json:"refusesWords"`  // prompts that moderation refuses
	DisableRefund bool                          `json:"disableRefund"` // moderation keeps the charge
	Tool          picture.Tool                  `json:"tool"`          // makes its image of the one it is given
	Enlarge       int                           `json:"enlarge"`       // how many times, without upscaleFactor
}

var standardBehaviour = behaviour{Price: 5 * job.OneCU, Width: 1024, Height: 1024, Format: picture.PNG, Enlarge: 2}

// catalogue holds the models by id.
type catalogue struct {
	models    map[string]*model
	fileNames map[string]bool // inputs that take images on any of them
}

// loadCatalogue reads the built-in records, then extra ones over them.
func loadCatalogue(extra fs.FS) (*catalogue, error) {
	c := &catalogue{models: map[string]*model{}, fileNames: map[string]bool{}}
	if err := c.read(builtinModels); err != nil {
		return nil, fmt.Errorf("built-in models: %w", err)
	}
	if extra != nil {
		if err := c.read(extra); err != nil {
			return nil, fmt.Errorf("models: %w", err)
		}
	}
	return c, nil
}

func (c *catalogue) read(files fs.FS) error {
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() || path.Ext(name) != ".json" {
			return nil
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		model, err := parseModel(data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.models[model.ID] = model
		for _, input := range model.files {
			c.fileNames[input.Name] = true
		}
		return nil
	})
}

// parseModel reads {"model": {…}, "simulator": {…}} or the same fields bare.
func parseModel(data []byte) (*model, error) {
	var file struct {
		Model     json.RawMessage `json:"model"`
		Simulator json.RawMessage `json:"simulator"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("read model record: %w", err)
	}
	if file.Model == nil {
		file.Model = data
	}
	m := &model{behaviour: standardBehaviour}
	if err := json.Unmarshal(file.Model, m); err != nil {
		return nil, fmt.Errorf("read model record: %w", err)
	}
	if err := json.Unmarshal(file.Model, &m.record); err != nil {
		return nil, fmt.Errorf("read model record: %w", err)
	}
	delete(m.record, "simulator")
	if err := m.readFileInputs(file.Model); err != nil {
		return nil, fmt.Errorf("read model record: %w", err)
	}
	m.fillRecord()
	if file.Simulator != nil {
		if err := decodeStrictly(bytes.NewReader(file.Simulator), &m.behaviour); err != nil {
			return nil, fmt.Errorf("read simulator block: %w", err)
		}
	}
	return m, m.check()
}

func (m *model) readFileInputs(data []byte) error {
	var record struct{ Inputs []fileInput }
	if err := json.Unmarshal(data, &record); err != nil {
		return err
	}
	m.files = slices.DeleteFunc(record.Inputs, func(input fileInput) bool { return !input.takesFiles() })
	return nil
}

func (m *model) check() error {
	var complaints []error
	if m.ID == "" {
		complaints = append(complaints, errors.New("model record has no id"))
	}
	if m.Type == "" {
		complaints = append(complaints, errors.New("model record has no type"))
	}
	if !m.behaviour.Format.Known() {
		complaints = append(complaints, fmt.Errorf("simulator block: format %q: want png, jpeg or webp", m.behaviour.Format))
	}
	if tool := m.behaviour.Tool; tool != "" && (!tool.Known() || len(m.files) == 0) {
		complaints = append(complaints, fmt.Errorf("simulator block: tool %q: want cutout or enlarge, on a model with an input of type file", tool))
	}
	if m.behaviour.Width < 1 || m.behaviour.Height < 1 {
		complaints = append(complaints, errors.New("simulator block: width and height must be positive"))
	}
	return errors.Join(complaints...)
}

// getModel answers GET /models/{id}.
func (s *Simulator) getModel(r *http.Request, _ *Key) *reply {
	model := s.models.models[r.PathValue("id")]
	if model == nil {
		return noSuchModel(r.PathValue("id"))
	}
	return ok(map[string]any{"model": model.record})
}

// noSuchModel has the API's own words.
func noSuchModel(id string) *reply { return reason(http.StatusNotFound, "Model %s not found", id) }
