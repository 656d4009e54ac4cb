package scenario

import (
	"maps"
	"slices"

	"nightshift/internal/job"
)

// modelInput is the entry of a job's input that names the model.
const modelInput = "modelId"

// statuses are the ends of an inference, under the names of the reference and
// those of the prose pages. Everything else (pending, queued, warming-up,
// in-progress, finalizing, processing, and what may come) is not an end.
var statuses = map[string]job.RunStatus{
	"success":   job.RunSucceeded,
	"succeeded": job.RunSucceeded,
	"failure":   job.RunFailed,
	"failed":    job.RunFailed,
	"canceled":  job.RunCanceled,
	"cancelled": job.RunCanceled,
}

// active are the statuses of an inference that goes on. Scenario API: the first five are the
// reference's, the last is of the prose pages.
var active = []string{"pending", "queued", "warming-up", "in-progress", "finalizing", "processing"}

// inference says in our words what the record says.
func (c *Client) inference(record jobRecord) job.Inference {
	run := job.Inference{
		ID:             record.id(),
		ProviderKeyID:  record.AuthorID.Value,
		Status:         job.RunActive,
		CreatedAt:      record.CreatedAt.Time,
		UpdatedAt:      record.UpdatedAt.Time,
		AssetIDs:       record.Metadata.Value.AssetIDs.Value,
		RefundDisabled: record.Billing.Value.DisableRefund.Value,
	}
	if status, ok := statuses[record.Status.Value]; ok {
		run.Status = status
	} else if said := record.Status.Value; said != "" && !slices.Contains(active, said) {
		run.Strange = c.clean(said)
	}
	run.Model, run.Inputs = splitModel(record.Metadata.Value.Input.Value)
	run.Opaque = run.Model == "" // which stands among the inputs
	run.Billed, run.BilledKnown = billed(record.Billing)
	if run.Status == job.RunFailed || run.Status == job.RunCanceled {
		run.Failure = c.clean(string(record.Metadata.Value.Error))
		run.Hint = c.clean(string(record.Metadata.Value.Hint))
		run.Transient = mayPass(&run)
	}
	return run
}

// splitModel takes the model out of the inputs that the API shows.
func splitModel(shown job.Inputs) (model string, inputs job.Inputs) {
	model, ok := shown[modelInput].(string)
	if !ok {
		return "", shown
	}
	inputs = maps.Clone(shown)
	delete(inputs, modelInput)
	return model, inputs
}

// billed adds up what an inference costs: the generation is cuCost, additions
// such as the quality gate are in cuCostDetails alone. It is known only when
// every part of it can be read; no cuCostDetails are no additions.
func billed(billing loose[billingRecord]) (job.CU, bool) {
	total, known := amount(billing.Value.CUCost)
	known = known && !billing.Value.CUCostDetails.Odd
	for _, number := range billing.Value.CUCostDetails.Value {
		part, ok := amount(number)
		total, known = total+part, known && ok
	}
	if !known {
		return 0, false
	}
	return total, true
}
