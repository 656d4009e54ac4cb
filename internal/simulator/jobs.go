package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"time"
	"unicode/utf8"

	"nightshift/internal/job"
)

// jobRecord is a job as the API shows it.
type jobRecord struct {
	JobID         string         `json:"jobId"`
	JobType       string         `json:"jobType"`
	Billing       *billingRecord `json:"billing,omitempty"`
	Metadata      jobMetadata    `json:"metadata"`
	OwnerID       string         `json:"ownerId"`
	AuthorID      string         `json:"authorId"`
	CreatedAt     string         `json:"createdAt"`
	UpdatedAt     string         `json:"updatedAt"`
	Status        string         `json:"status"`
	StatusHistory []statusRecord `json:"statusHistory"`
	Progress      float64        `json:"progress"`
}

type statusRecord struct {
	Status string `json:"status"`
	Date   string `json:"date"`
}

type billingRecord struct {
	CUCost        job.CU            `json:"cuCost"`
	CUDiscount    int               `json:"cuDiscount"`
	CUCostDetails map[string]job.CU `json:"cuCostDetails,omitempty"`
	DisableRefund bool              `json:"disableRefund,omitempty"`
}

type jobMetadata struct {
	Input    job.Inputs `json:"input"`
	AssetIDs []string   `json:"assetIds,omitempty"`
	Error    string     `json:"error,omitempty"`
	Hint     string     `json:"hint,omitempty"`
	// Output is what came of it that is not an asset of its own.
	Output map[string]any `json:"output,omitempty"`
}

// The types of jobs. Scenario API: custom for all models that run through generate/custom,
// and uploads are jobs, too.
const (
	jobCustom = "custom"
	jobUpload = "upload"
)

// record shows a run as it is now. Scenario API: inputs are those that were sent,
// defaults not filled in; lists show the id of a text asset for a long prompt; the
// billing may be absent on a new job.
func (s *Simulator) jobRecord(r *run, now time.Time, inList bool) jobRecord {
	if r.upload != nil {
		return s.uploadJob(r.upload, now)
	}
	passed := r.at(now)
	latest := passed[len(passed)-1]
	record := jobRecord{
		JobID: r.id, JobType: jobCustom, Status: r.shownStatus(latest.status, now), Progress: r.progress(now),
		OwnerID: r.key.Project, AuthorID: r.key.ID,
		CreatedAt: s.stamp(r.accepted.Add(r.clock)), UpdatedAt: s.stamp(latest.at.Add(r.clock)),
		Metadata: jobMetadata{Input: s.shownInput(r, inList)},
	}
	for _, stage := range passed {
		record.StatusHistory = append(record.StatusHistory, statusRecord{stage.status, s.stamp(stage.at.Add(r.clock))})
	}
	if latest.status != statusPending {
		record.Billing = r.billing(now)
	}
	if r.ended(now) && !now.Before(r.strangeUntil) {
		record.Metadata.Error, record.Metadata.Hint = r.ending.failure, r.ending.hint
		assets := r.assets
		if len(r.shows) > 0 {
			assets = r.shows
		}
		for _, asset := range assets {
			record.Metadata.AssetIDs = append(record.Metadata.AssetIDs, asset.id)
		}
	}
	return record
}

// billing shows the charge. Scenario API: a refund does not lower cuCost, only the
// add-ons of a refunded job go to 0.
func (r *run) billing(now time.Time) *billingRecord {
	if r.lowBill != nil {
		return &billingRecord{
			CUCost:        r.charge.total() * job.CU(r.lowBill.Percent) / 100,
			DisableRefund: r.ending.keepsCharge && r.ended(now),
		}
	}
	billing := &billingRecord{CUCost: r.charge.generation, DisableRefund: r.ending.keepsCharge && r.ended(now)}
	if r.charge.qualityGate == 0 {
		return billing
	}
	gate := r.charge.qualityGate
	if r.ended(now) && r.refund() > 0 {
		gate = 0
	}
	billing.CUCostDetails = map[string]job.CU{"quality-gate": gate}
	return billing
}

func (s *Simulator) shownInput(r *run, inList bool) job.Inputs {
	input := maps.Clone(r.input)
	input["modelId"] = r.model.ID
	name, prompt := r.model.prompt(r.input)
	long := s.options.LongPrompt != Unlimited && utf8.RuneCountInString(prompt) > s.options.LongPrompt
	if prompt != "" && (inList && long || r.hidden) {
		input[name] = textAssetID(prompt)
	}
	return input
}

// textAssetID is the id under which a long prompt is stored away. Scenario API:
// jobs with one prompt share one id.
func textAssetID(prompt string) string {
	sum := sha256.Sum256([]byte(prompt))
	return "asset_" + hex.EncodeToString(sum[:12])
}

// getJob answers GET /jobs/{id}.
func (s *Simulator) getJob(r *http.Request, key *Key) *reply {
	run := s.book.find(r.PathValue("id"), key)
	if run == nil {
		return noSuchJob(r.PathValue("id"))
	}
	return ok(map[string]any{"job": s.jobRecord(run, time.Now(), false)})
}

// noSuchJob is in the words of unknown models; the real ones are not known.
func noSuchJob(id string) *reply { return reason(http.StatusNotFound, "Job %s not found", id) }

// actOnJob answers POST /jobs/{id}/action. Scenario API: a generation cannot be
// cancelled.
func (s *Simulator) actOnJob(r *http.Request, key *Key) *reply {
	var body struct {
		Action string `json:"action"`
	}
	if refused := decodeBody(r, &body); refused != nil {
		return refused
	}
	if s.book.find(r.PathValue("id"), key) == nil {
		return noSuchJob(r.PathValue("id"))
	}
	if body.Action != "cancel" {
		return reason(http.StatusBadRequest, "Input action must be one of cancel")
	}
	return reason(http.StatusBadRequest, "Cannot cancel this type of job. Action not permitted.")
}
