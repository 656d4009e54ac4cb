package simulator

import (
	"net/http"
	"time"

	"nightshift/internal/job"
)

// usageRow is one line of the account of a project. The shape is the simulator's
// own; what holds is that a refund shows here and not in the job.
type usageRow struct {
	Action  string `json:"action"` // custom-generation or refund
	JobID   string `json:"jobId"`
	ModelID string `json:"modelId"`
	UserID  string `json:"userId"` // the key's id
	Date    string `json:"date"`
	CU      job.CU `json:"cu"`
}

// listUsages answers GET /usages with every charge and refund of the project.
func (s *Simulator) listUsages(w http.ResponseWriter, _ *http.Request, key *Key) {
	now := time.Now()
	rows := []usageRow{}
	for _, run := range s.book.ofTenant(key) {
		row := usageRow{actionGeneration, run.id, run.model.ID, run.key.ID, stamp(run.accepted), run.charge.total()}
		rows = append(rows, row)
		if run.ended(now) && run.refund() > 0 {
			row.Action, row.Date, row.CU = "refund", stamp(run.ends()), run.refund()
			rows = append(rows, row)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"usages": rows})
}
