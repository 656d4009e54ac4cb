package job

import "encoding/json"

// Model is what the provider says about a model, from GET /models/{id}.
type Model struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Type is "custom" for models that can be run; LoRAs and compositions have
	// types of their own and no inputs.
	Type   string   `json:"type"`
	Status string   `json:"status"` // "trained" when ready
	Tags   []string `json:"tags"`
	Inputs []Input  `json:"inputs"`
	// RequiredPlan is set where the key's plan may not run the model.
	RequiredPlan string `json:"-"`
}

// Input returns the model's input of this name, or nil.
func (m *Model) Input(name string) *Input {
	for i := range m.Inputs {
		if m.Inputs[i].Name == name {
			return &m.Inputs[i]
		}
	}
	return nil
}

// CountInput returns the input that sets the number of images of one request, or
// nil where the model has none.
func (m *Model) CountInput() *Input {
	for _, name := range CountInputs {
		if input := m.Input(name); input != nil {
			return input
		}
	}
	return nil
}

// InputType is the type of an input's value.
type InputType string

// The types, as the API names them.
const (
	TypeBoolean     InputType = "boolean"
	TypeFile        InputType = "file"
	TypeFileArray   InputType = "file_array"
	TypeInputsArray InputType = "inputs_array"
	TypeModel       InputType = "model"
	TypeModelArray  InputType = "model_array"
	TypeNumber      InputType = "number"
	TypeNumberArray InputType = "number_array"
	TypeString      InputType = "string"
	TypeStringArray InputType = "string_array"
)

// Array reports whether values of this type are lists.
func (t InputType) Array() bool {
	switch t {
	case TypeFileArray, TypeInputsArray, TypeModelArray, TypeNumberArray, TypeStringArray:
		return true
	}
	return false
}

// Input is one entry of a model's inputs. Bounds are pointers or json.Number
// texts so that an absent one differs from zero.
type Input struct {
	Name    string          `json:"name"`
	Type    InputType       `json:"type"`
	Default json.RawMessage `json:"default,omitempty"` // what the provider uses when left out
	Min     json.Number     `json:"min,omitempty"`
	Max     json.Number     `json:"max,omitempty"`
	Step    json.Number     `json:"step,omitempty"`
	// MinLength and MaxLength count the characters of a string and of each in an array of
	// strings, and the items of any other array.
	MinLength     *int        `json:"minLength,omitempty"`
	MaxLength     *int        `json:"maxLength,omitempty"`
	AllowedValues []any       `json:"allowedValues,omitempty"`
	Kind          string      `json:"kind,omitempty"`    // image, video, audio, … of a file
	MaxSize       json.Number `json:"maxSize,omitempty"` // bytes of a file
	Required      *Required   `json:"required,omitempty"`
	ModelTypes    []string    `json:"modelTypes,omitempty"`
	CostImpact    bool        `json:"costImpact,omitempty"`
	Prompt        bool        `json:"prompt,omitempty"`
}

// Required says when an input must be given.
type Required struct {
	Always            bool                       `json:"always,omitempty"`
	IfDefined         map[string]json.RawMessage `json:"ifDefined,omitempty"`
	IfNotDefined      map[string]json.RawMessage `json:"ifNotDefined,omitempty"`
	ConditionalValues json.RawMessage            `json:"conditionalValues,omitempty"`
	When              map[string][]any           `json:"when,omitempty"`
}

// Quote is the price of one request, from a dry run.
type Quote struct {
	Total CU
	// Parts are the entries of costDetails; they add up to Total.
	Parts map[string]CU
}
