package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/job"
)

// missing says why an input that the row leaves out has to be there, or nothing.
// An input with a default is never missing: the provider fills it in.
func (c *checker) missing(in *input, inputs job.Inputs) finding {
	if in.Required == nil || given(inputs[in.Name]) || given(in.def) {
		return finding{}
	}
	rule := in.Required
	if rule.Always {
		return finding{message: fmt.Sprintf("%s is missing; %s does not run without it", in.Name, c.model.ID)}
	}
	for _, other := range slices.Sorted(maps.Keys(rule.IfDefined)) {
		if given(inputs[other]) {
			return because(in, fmt.Sprintf("%s is given", other), rule.IfDefined[other])
		}
	}
	if others := slices.Sorted(maps.Keys(rule.IfNotDefined)); len(others) > 0 && !anyGiven(inputs, others) {
		return because(in, fmt.Sprintf("%s is not given", strings.Join(others, " or ")), rule.IfNotDefined[others[0]])
	}
	for _, condition := range c.conditions[in.Name] {
		if value, ok := c.holds(condition, inputs); ok {
			return because(in, fmt.Sprintf("%s is %s", condition.other, written(value)), nil)
		}
	}
	return finding{}
}

// because joins the reason with the model's own words, where it has some.
func because(in *input, reason string, rule json.RawMessage) finding {
	f := finding{message: fmt.Sprintf("%s is missing; the model wants it where %s", in.Name, reason)}
	var words struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(rule, &words) == nil {
		f.suggestion = words.Message
	}
	return f
}

func anyGiven(inputs job.Inputs, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return given(inputs[name]) })
}

// condition makes an input required where another one has one of the values.
type condition struct {
	other  string
	values []any
}

// conditionsOf reads the rules "when" and "conditionalValues". The latter is
// published without its shape: a map from an input to a value, to several, or to
// an object holding them is understood; anything else is left to the dry run.
func conditionsOf(rule *job.Required) []condition {
	var conditions []condition
	for _, other := range slices.Sorted(maps.Keys(rule.When)) {
		conditions = append(conditions, condition{other: other, values: normal(rule.When[other])})
	}
	byInput, _ := decodeDefault(rule.ConditionalValues).(map[string]any)
	for _, other := range slices.Sorted(maps.Keys(byInput)) {
		conditions = append(conditions, condition{other: other, values: conditionValues(byInput[other])})
	}
	return conditions
}

func conditionValues(rule any) []any {
	switch rule := rule.(type) {
	case []any:
		return rule
	case map[string]any:
		if values, ok := rule["values"].([]any); ok {
			return values
		}
		if value, ok := rule["value"]; ok {
			return []any{value}
		}
		return nil
	default:
		return []any{rule}
	}
}

func normal(values []any) []any {
	normal, _ := job.NormalValue(values).([]any)
	return normal
}

// holds reports whether the other input has one of the condition's values, be it
// given or by default, and which.
func (c *checker) holds(condition condition, inputs job.Inputs) (any, bool) {
	value, ok := inputs[condition.other]
	if other := c.inputs[condition.other]; !ok && other != nil {
		value = other.def
	}
	if !given(value) {
		return nil, false
	}
	return value, slices.ContainsFunc(condition.values, func(wanted any) bool { return written(wanted) == written(value) })
}
