package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"nightshift/internal/job"
)

// Model reads a model with its inputs. It returns an error that wraps
// [job.ErrNotFound] for an unknown id, a [job.AccessError], a [job.LimitError],
// or a plain error that may pass.
//
// Scenario API: models of other types than "custom" have no inputs. The reply
// says nothing of the key's plan, so RequiredPlan stays empty.
func (c *Client) Model(ctx context.Context, id string) (*job.Model, error) {
	about := fmt.Sprintf("read model %q", id)
	if err := checkID("a model", id); err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	reply, err := c.read(ctx, call{op: OpModel, method: http.MethodGet, path: []string{"models", id}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	body, err := decode[struct{ Model *modelRecord }](reply)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	if body.Model == nil || body.Model.ID == "" {
		return nil, fmt.Errorf("%s: the reply holds no model", about)
	}
	return body.Model.model(), nil
}

// modelRecord is a model as the API writes it.
type modelRecord struct {
	ID     string
	Name   loose[string]
	Type   loose[string]
	Status loose[string]
	Tags   loose[[]string]
	Inputs []inputRecord
}

func (r *modelRecord) model() *job.Model {
	model := &job.Model{ID: r.ID, Name: r.Name.Value, Type: r.Type.Value, Status: r.Status.Value, Tags: r.Tags.Value}
	for _, input := range r.Inputs {
		model.Inputs = append(model.Inputs, job.Input(input))
	}
	return model
}

// inputRecord is an input as the API writes it. A keyword in a shape that is not
// known is left out: the input is then checked less here, and still by the
// provider.
type inputRecord job.Input

// UnmarshalJSON returns an error only where data is not an object.
func (r *inputRecord) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("an input of the model: %w", err)
	}
	var input job.Input
	for name, value := range fields {
		next := input
		if decodeField(name, value, &next) == nil {
			input = next
		}
	}
	normalise(&input)
	*r = inputRecord(input)
	return nil
}

// decodeField sets one field of an input, with numbers kept exact.
func decodeField(name string, value json.RawMessage, input *job.Input) error {
	object, err := json.Marshal(map[string]json.RawMessage{name: value})
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber()
	return decoder.Decode(input)
}

// normalise brings numbers into the form that job.Inputs have, so that a value
// can be looked for in the lists of the model.
func normalise(input *job.Input) {
	for i, value := range input.AllowedValues {
		input.AllowedValues[i] = job.NormalValue(value)
	}
	if input.Required == nil {
		return
	}
	for _, values := range input.Required.When {
		for i, value := range values {
			values[i] = job.NormalValue(value)
		}
	}
}
