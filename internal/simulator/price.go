package simulator

import (
	"encoding/json"
	"fmt"
	"math"

	"nightshift/internal/job"
)

// price is what a run costs. Scenario API: quotes show both parts under
// costDetails; the job bills the generation as cuCost and the add-on apart.
type price struct{ generation, qualityGate job.CU }

func (p price) total() job.CU { return p.generation + p.qualityGate }

// pricePixels is the size up to which a picture costs the plain price, on models
// whose size moves the price.
const pricePixels = 1024 * 1024

// quarter is what prices are rounded to.
const quarter = job.OneCU / 4

// price works out the cost of a request. It is proportional to the number of
// images and, above the defaults, to the other inputs marked costImpact; prices at
// the defaults are the ones seen on the real API, how they grow is our own.
func (m *model) price(inputs job.Inputs) price {
	factor := 1.0
	var items job.CU
	for i := range m.Inputs {
		input := &m.Inputs[i]
		if !input.CostImpact || input == m.CountInput() {
			continue
		}
		factor *= m.factor(input, inputs)
		if list, isList := inputs[input.Name].([]any); isList {
			items += m.behaviour.PerItem[input.Name] * job.CU(len(list))
		}
	}
	count := job.CU(m.count(inputs))
	each := job.CU(math.Round(float64(m.behaviour.Price)*factor/float64(quarter))) * quarter
	return price{generation: (each + items) * count, qualityGate: m.behaviour.QualityGate * count}
}

// factor is how one input moves the price of an image.
func (m *model) factor(input *job.Input, inputs job.Inputs) float64 {
	switch input.Name {
	case "height":
		return 1 // counted with the width
	case "width":
		width, height := m.size(inputs)
		return max(1, float64(width*height)/pricePixels)
	}
	if input.Type == job.TypeNumber {
		value, sent := numberOf(inputs[input.Name])
		standard, known := numberOf(defaultOf(input))
		if sent && known && standard > 0 {
			return max(1, value/standard)
		}
		return 1
	}
	if factor, known := m.behaviour.Factors[input.Name][fmt.Sprint(inputs[input.Name])]; known {
		return factor
	}
	return 1
}

// defaultOf is the value that an input has when it is not sent, or nil.
func defaultOf(input *job.Input) any {
	if input == nil || len(input.Default) == 0 {
		return nil
	}
	var value any
	if err := json.Unmarshal(input.Default, &value); err != nil {
		return nil
	}
	return value
}
