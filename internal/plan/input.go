package plan

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"

	"nightshift/internal/job"
)

// input is one input of a model, prepared for checking many values.
type input struct {
	*job.Input
	bounds
	allowed map[string]bool // by canonical text; nil where everything is
	def     any             // the default, nil where there is none
	defText string          // its canonical text, "" where there is none
	counts  bool            // sets the number of images
}

// bounds of a number; infinite, or zero for step, where the model names none.
type bounds struct{ min, max, step float64 }

func prepare(in *job.Input) *input {
	prepared := &input{Input: in, bounds: bounds{
		min:  number(in.Min, math.Inf(-1)),
		max:  number(in.Max, math.Inf(1)),
		step: number(in.Step, 0),
	}}
	if in.Name == job.SeedInput && prepared.step == 0 {
		prepared.step = 1
	}
	if len(in.AllowedValues) > 0 {
		prepared.allowed = make(map[string]bool, len(in.AllowedValues))
		for _, value := range in.AllowedValues {
			prepared.allowed[written(job.NormalValue(value))] = true
		}
	}
	if prepared.def = decodeDefault(in.Default); prepared.def != nil {
		prepared.defText = written(prepared.def)
	}
	return prepared
}

func number(n json.Number, otherwise float64) float64 {
	value, err := n.Float64()
	if err != nil {
		return otherwise
	}
	return value
}

// decodeDefault returns nil for an absent default and for one that is not JSON:
// the value is only compared with, and an unknown default equals nothing.
func decodeDefault(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	return job.NormalValue(value)
}

// given reports whether value says something: null, an empty text and an empty
// list are what the provider takes for nothing.
func given(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case string:
		return value != ""
	case []any:
		return len(value) > 0
	default:
		return true
	}
}

// written is the canonical text of a value: JSON, but strings without quotes, so
// that it can be shown to a person and compared.
func written(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	default:
		return literal(value)
	}
}

// literal is the value as it is written in a manifest (JSON, which YAML reads too).
func literal(value any) string {
	var buffer strings.Builder
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "?" // values outside job.Inputs' types; the type check names them
	}
	return strings.TrimSuffix(buffer.String(), "\n")
}
