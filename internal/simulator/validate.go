package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"nightshift/internal/job"
)

// validate checks a request against its model, in the order of the model's
// inputs. Scenario API: the texts for required, most, least, item counts and wrong
// or unknown models are the real ones, and unknown fields pass; the texts for
// lengths, closed lists and types are the simulator's own.
func (c *catalogue) validate(m *model, inputs job.Inputs) *reply {
	for i := range m.Inputs {
		input := &m.Inputs[i]
		if !given(inputs[input.Name]) {
			if text := missing(input, inputs); text != "" {
				return reason(http.StatusBadRequest, "%s", text)
			}
			continue
		}
		if refused := c.checkValue(m, input, inputs[input.Name]); refused != nil {
			return refused
		}
	}
	return nil
}

// given reports whether a value counts as sent.
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

// missing returns the complaint about an input that was not sent, or "".
func missing(input *job.Input, inputs job.Inputs) string {
	required := input.Required
	if required == nil {
		return ""
	}
	plain := fmt.Sprintf("Input %s is required", input.Name)
	if required.Always {
		return plain
	}
	for other, condition := range required.IfDefined {
		if given(inputs[other]) {
			return messageOr(condition, plain)
		}
	}
	for other, condition := range required.IfNotDefined {
		if !given(inputs[other]) {
			return messageOr(condition, plain)
		}
	}
	for other, values := range required.When {
		if slices.ContainsFunc(values, func(value any) bool { return same(value, inputs[other]) }) {
			return plain
		}
	}
	return ""
}

func messageOr(condition json.RawMessage, plain string) string {
	var texts struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(condition, &texts); err != nil || texts.Message == "" {
		return plain
	}
	return texts.Message
}

func (c *catalogue) checkValue(m *model, input *job.Input, value any) *reply {
	if input.Type.Array() {
		items, isList := value.([]any)
		if !isList {
			// Scenario API: a bare value where a list is wanted is dropped
			// without a word, and the run is charged.
			return nil
		}
		return c.checkItems(m, input, items)
	}
	switch input.Type {
	case job.TypeNumber:
		return checkNumber(input, value)
	case job.TypeString:
		return checkText(input, value)
	case job.TypeBoolean:
		if _, ok := value.(bool); !ok {
			return reason(http.StatusBadRequest, "Input %s must be a boolean", input.Name)
		}
	case job.TypeModel:
		return c.checkModels(m, input, []any{value})
	}
	return nil
}

func (c *catalogue) checkItems(m *model, input *job.Input, items []any) *reply {
	if input.Type == job.TypeStringArray {
		return checkTexts(input, items)
	}
	if refused := checkLength(input, len(items), "items"); refused != nil {
		return refused
	}
	switch input.Type {
	case job.TypeModelArray:
		return c.checkModels(m, input, items)
	case job.TypeNumberArray:
		for _, item := range items {
			number, isNumber := numberOf(item)
			if !isNumber {
				return reason(http.StatusBadRequest, "Input %s must be a list of numbers", input.Name)
			}
			// Scenario API: an item under min is accepted, one over max is not.
			if most, bounded := numberOf(input.Max); bounded && number > most {
				return reason(http.StatusBadRequest, "Input %s must be at most %s", input.Name, input.Max)
			}
		}
	}
	return nil
}

// checkTexts checks each text of a list. Scenario API: the bounds of the length are those
// of each item, and nothing bounds their number.
func checkTexts(input *job.Input, items []any) *reply {
	for _, item := range items {
		if refused := checkText(input, item); refused != nil {
			return refused
		}
	}
	return nil
}

func checkNumber(input *job.Input, value any) *reply {
	number, isNumber := numberOf(value)
	if !isNumber {
		return reason(http.StatusBadRequest, "Input %s must be a number", input.Name)
	}
	if most, bounded := numberOf(input.Max); bounded && number > most {
		return reason(http.StatusBadRequest, "Input %s must be at most %s", input.Name, input.Max)
	}
	if least, bounded := numberOf(input.Min); bounded && number < least {
		return reason(http.StatusBadRequest, "Input %s must be at least %s", input.Name, input.Min)
	}
	return nil
}

func checkText(input *job.Input, value any) *reply {
	text, isText := value.(string)
	if !isText {
		return reason(http.StatusBadRequest, "Input %s must be a string", input.Name)
	}
	if refused := checkLength(input, utf8.RuneCountInString(text), "characters"); refused != nil {
		return refused
	}
	allowed := func(known any) bool { return same(known, text) }
	if len(input.AllowedValues) > 0 && !slices.ContainsFunc(input.AllowedValues, allowed) {
		return reason(http.StatusBadRequest, "Input %s must be one of %s", input.Name, joinValues(input.AllowedValues))
	}
	return nil
}

func checkLength(input *job.Input, length int, unit string) *reply {
	if input.MaxLength != nil && length > *input.MaxLength {
		return reason(http.StatusBadRequest, "Input %s must be at most %d %s long", input.Name, *input.MaxLength, unit)
	}
	if input.MinLength != nil && length < *input.MinLength {
		return reason(http.StatusBadRequest, "Input %s must be at least %d %s long", input.Name, *input.MinLength, unit)
	}
	return nil
}

// checkModels first looks for models that do not exist, then for those whose type no input
// of the model takes, then for those that this one does not take. Scenario API: a LoRA of
// another family is answered with all types of the model, a composition in the place of a
// LoRA with those of the input.
func (c *catalogue) checkModels(m *model, input *job.Input, ids []any) *reply {
	kinds := make(map[string]string, len(ids))
	for _, value := range ids {
		id := fmt.Sprint(value)
		model := c.models[id]
		if model == nil {
			return noSuchModel(id)
		}
		kinds[id] = model.Type
	}
	for _, allowed := range [][]string{m.modelTypes(), input.ModelTypes} {
		var wrong []string
		for _, value := range ids {
			if id := fmt.Sprint(value); len(input.ModelTypes) > 0 && !slices.Contains(allowed, kinds[id]) {
				wrong = append(wrong, id)
			}
		}
		if len(wrong) > 0 {
			return reason(http.StatusBadRequest, "Invalid model(s): %s.\nAllowed model types: %s",
				strings.Join(wrong, ", "), strings.Join(allowed, ", "))
		}
	}
	return nil
}

// modelTypes are the types of models that any input takes.
func (m *model) modelTypes() []string {
	var all []string
	for i := range m.Inputs {
		for _, kind := range m.Inputs[i].ModelTypes {
			if !slices.Contains(all, kind) {
				all = append(all, kind)
			}
		}
	}
	return all
}

// numberOf reads a JSON number; anything else, an absent bound included, is none.
func numberOf(value any) (float64, bool) {
	number, ok := job.NormalValue(value).(json.Number)
	if !ok {
		return 0, false
	}
	float, err := number.Float64()
	return float, err == nil
}

func same(a, b any) bool {
	return a != nil && b != nil && fmt.Sprint(job.NormalValue(a)) == fmt.Sprint(job.NormalValue(b))
}

func joinValues(values []any) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = fmt.Sprint(value)
	}
	return strings.Join(texts, ", ")
}
