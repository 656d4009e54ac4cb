package job

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Inputs are the parameters of one inference by their names, as they are sent.
// Values are string, bool, json.Number, nil, []any and map[string]any of these;
// numbers are in the normal form of [Number], so that equal inputs encode to
// equal bytes.
type Inputs map[string]any

// DecodeInputs reads a JSON object. It returns an error if data is not one.
func DecodeInputs(data []byte) (Inputs, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var raw map[string]any
	if err := decoder.Decode(&raw); err != nil {
		return nil, fmt.Errorf("decode inputs: %w", err)
	}
	return NormalInputs(raw), nil
}

// NormalInputs returns a copy of raw with every number in its normal form.
func NormalInputs(raw map[string]any) Inputs {
	inputs := make(Inputs, len(raw))
	for name, value := range raw {
		inputs[name] = NormalValue(value)
	}
	return inputs
}

// UnmarshalJSON reads a JSON object, keeping numbers exact.
func (in *Inputs) UnmarshalJSON(data []byte) error {
	inputs, err := DecodeInputs(data)
	if err != nil {
		return err
	}
	*in = inputs
	return nil
}

// NormalValue returns v with every number in its normal form.
func NormalValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		return Number(v)
	case float64:
		return Number(json.Number(strconv.FormatFloat(v, 'g', -1, 64)))
	case float32:
		return Number(json.Number(strconv.FormatFloat(float64(v), 'g', -1, 32)))
	case int:
		return json.Number(strconv.Itoa(v))
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case uint64:
		return json.Number(strconv.FormatUint(v, 10))
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = NormalValue(item)
		}
		return items
	case map[string]any:
		fields := make(map[string]any, len(v))
		for name, field := range v {
			fields[name] = NormalValue(field)
		}
		return fields
	default:
		return v
	}
}

// Number brings a number into its one normal form: whole numbers without point
// or exponent, others in Go's shortest decimal form. A text that is no number
// is returned unchanged.
func Number(n json.Number) json.Number {
	const most = 18 // digits that any int64 holds
	if plainDigits(n) && len(n) <= most {
		return n
	}
	// A failed ParseInt makes an error, which would cost more than all the rest.
	if !strings.ContainsAny(n.String(), ".eE") {
		if whole, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
			return json.Number(strconv.FormatInt(whole, 10))
		}
	}
	value, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
		return n
	}
	if whole := int64(value); float64(whole) == value && whole > -1<<53 && whole < 1<<53 {
		return json.Number(strconv.FormatInt(whole, 10))
	}
	return json.Number(strconv.FormatFloat(value, 'f', -1, 64))
}
