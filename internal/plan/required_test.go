package plan

import (
	"encoding/json"
	"testing"

	"nightshift/internal/job"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	words := map[string]json.RawMessage{"other": json.RawMessage(`{"message": "because"}`)}
	several := map[string]json.RawMessage{"other": nil, "third": nil}
	conditional := func(text string) *job.Required { return &job.Required{ConditionalValues: json.RawMessage(text)} }
	tests := []struct {
		name   string
		rule   *job.Required
		def    string // of the input itself
		inputs job.Inputs
		want   bool
	}{
		{"no rule", nil, "", nil, false},
		{"always", &job.Required{Always: true}, "", nil, true},
		{"always, given", &job.Required{Always: true}, "", job.Inputs{"it": "x"}, false},
		{"always, empty text", &job.Required{Always: true}, "", job.Inputs{"it": ""}, true},
		{"always, empty list", &job.Required{Always: true}, "", job.Inputs{"it": []any{}}, true},
		{"always, with a default", &job.Required{Always: true}, `"x"`, nil, false},
		{"always, with an empty default", &job.Required{Always: true}, `""`, nil, true},
		{"if defined", &job.Required{IfDefined: words}, "", job.Inputs{"other": true}, true},
		{"if defined, and it is not", &job.Required{IfDefined: words}, "", nil, false},
		{"if not defined", &job.Required{IfNotDefined: words}, "", nil, true},
		{"if not defined, and it is", &job.Required{IfNotDefined: words}, "", job.Inputs{"other": "x"}, false},
		{"if none of several is defined", &job.Required{IfNotDefined: several}, "", job.Inputs{"third": "x"}, false},
		{"when", &job.Required{When: map[string][]any{"other": {"a", "b"}}}, "", job.Inputs{"other": "b"}, true},
		{"when, another value", &job.Required{When: map[string][]any{"other": {"a", "b"}}}, "", job.Inputs{"other": "c"}, false},
		{"when, by the other's default", &job.Required{When: map[string][]any{"other": {"standard"}}}, "", nil, true},
		{"when, a number", &job.Required{When: map[string][]any{"other": {float64(2)}}}, "", job.Inputs{"other": json.Number("2")}, true},
		{"conditional value", conditional(`{"other": "a"}`), "", job.Inputs{"other": "a"}, true},
		{"conditional values", conditional(`{"other": ["a", "b"]}`), "", job.Inputs{"other": "b"}, true},
		{"conditional values in an object", conditional(`{"other": {"values": ["a"]}}`), "", job.Inputs{"other": "a"}, true},
		{"conditional value in an object", conditional(`{"other": {"value": true}}`), "", job.Inputs{"other": true}, true},
		{"conditional values of an unknown shape", conditional(`{"other": {"min": 1}}`), "", job.Inputs{"other": "a"}, false},
		{"conditional values that are no map", conditional(`[1]`), "", job.Inputs{"other": "a"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newChecker(&job.Model{ID: "model_x", Inputs: []job.Input{
				{Name: "it", Type: job.TypeString, Required: test.rule, Default: json.RawMessage(test.def)},
				{Name: "other", Type: job.TypeString, Default: json.RawMessage(`"standard"`)},
				{Name: "third", Type: job.TypeString},
			}})
			if got := c.missing(c.inputs["it"], test.inputs); got.found() != test.want {
				t.Errorf("finding %q, want one: %t", got.message, test.want)
			}
		})
	}
}
