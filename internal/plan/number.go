package plan

import (
	"encoding/json"
	"fmt"
	"math"
	"nightshift/internal/job"
	"strconv"
)

func (in *input) checkNumber(value any) finding {
	n, ok := value.(json.Number)
	if !ok {
		f := in.wrongType(value, "a number")
		if text, ok := value.(string); ok {
			if _, err := strconv.ParseFloat(text, 64); err == nil {
				f.suggestion = fmt.Sprintf("write %s: %s, without quotes", in.Name, text)
			}
		}
		return f
	}
	v, err := n.Float64()
	switch {
	case err != nil:
		return in.wrongType(value, "a number")
	case v < in.min:
		return in.outside(n, "at least", in.min)
	case v > in.max:
		return in.outside(n, "at most", in.max)
	case in.offStep(v):
		return in.betweenSteps(n, v)
	case in.allowed != nil && !in.allowed[string(n)]:
		return in.notAllowed(value)
	}
	return finding{}
}

func (in *input) outside(n json.Number, side string, bound float64) finding {
	if in.Name == job.SeedInput { // one seed for all rows would make one image of them
		return finding{
			message:    fmt.Sprintf("%s is %s, but the model takes %s %s", in.Name, n, side, decimal(bound)),
			suggestion: "leave the seed out, and every row gets one of its own, or write one within the bounds for each",
		}
	}
	return finding{
		message:    fmt.Sprintf("%s is %s, but the model takes %s %s", in.Name, n, side, decimal(bound)),
		suggestion: fmt.Sprintf("write %s: %s", in.Name, decimal(bound)),
	}
}

// offStep reports a value between the steps of an input that counts in whole
// steps, as sizes do (16). Fractional steps belong to the sliders of a page and
// bind nobody. Steps are counted from zero or from the minimum; the value may
// stand on either.
func (in *input) offStep(v float64) bool {
	if in.step < 1 || in.step != math.Trunc(in.step) || math.Mod(v, in.step) == 0 {
		return false
	}
	return math.IsInf(in.min, 0) || math.Mod(v-in.min, in.step) != 0
}

func (in *input) betweenSteps(n json.Number, v float64) finding {
	near := math.Round(v/in.step) * in.step
	if near > in.max {
		near -= in.step
	}
	if near < in.min {
		near += in.step
	}
	f := finding{message: fmt.Sprintf("%s is %s, but the model takes it in steps of %s", in.Name, n, decimal(in.step))}
	if near >= in.min && near <= in.max {
		f.suggestion = fmt.Sprintf("write %s: %s", in.Name, decimal(near))
	}
	return f
}
