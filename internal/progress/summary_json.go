package progress

import (
	"time"

	"nightshift/internal/job"
)

type summaryJSON struct {
	Type          string             `json:"type"`
	Time          time.Time          `json:"time"`
	Batch         string             `json:"batch"`
	Mode          job.Mode           `json:"mode"`
	Outcome       Outcome            `json:"outcome"`
	Reason        string             `json:"reason,omitempty"`
	Hint          string             `json:"hint,omitempty"`
	Jobs          endedJSON          `json:"jobs"`
	Images        int                `json:"images"`
	Failures      []job.FailureGroup `json:"failures"`
	Warned        int                `json:"warned,omitempty"`
	ImageWarnings []job.WarningGroup `json:"imageWarnings,omitempty"`
	CU            billJSON           `json:"cu"`
	Picks         *job.Picks         `json:"picks,omitempty"`
	Requests      requestsJSON       `json:"requests"`
	Seconds       float64            `json:"seconds"`
	Folder        string             `json:"folder,omitempty"`
	Sheet         string             `json:"sheet,omitempty"`
	SheetLink     string             `json:"sheetLink,omitempty"`
	Errors        string             `json:"errors,omitempty"`
	Remote        remoteJSON         `json:"remote"`
	Again         string             `json:"again,omitempty"`
	Warnings      []string           `json:"warnings,omitzero"`
}

type endedJSON struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Kept      int `json:"kept"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	NotRun    int `json:"notRun"`
	// FailedBefore were refused for their content and charged, and were not run.
	FailedBefore int `json:"failedBefore,omitempty"`
	// Waiting wait for a pick.
	Waiting int `json:"waiting,omitempty"`
}

type billJSON struct {
	Billed   job.CU  `json:"billed"`
	Refunded job.CU  `json:"refunded"`
	Net      job.CU  `json:"net"`
	Spent    job.CU  `json:"spent,omitempty"` // in all runs of the batch
	Cap      *job.CU `json:"cap,omitempty"`
}

type requestsJSON struct {
	Total  int64   `json:"total"`
	PerJob float64 `json:"perJob"`
}

type remoteJSON struct {
	Inferences int    `json:"inferences"`
	CU         job.CU `json:"cu"`
	Gone       bool   `json:"gone,omitempty"`
}

func (s *Summary) json(now time.Time) summaryJSON {
	return summaryJSON{
		Type: "summary", Time: stamp(now), Batch: s.Batch, Mode: s.Mode, Outcome: s.Outcome, Reason: s.Reason, Hint: s.Hint,
		Jobs: endedJSON(s.Jobs), Images: s.Images,
		Failures: append([]job.FailureGroup{}, s.Failures...), // never null
		Warned:   s.Warned, ImageWarnings: s.ImageWarnings,
		CU:       billJSON{s.CU.Billed, s.CU.Refunded, s.net(), s.CU.Spent, s.CU.Cap},
		Picks:    s.Picks,
		Requests: requestsJSON{s.Requests, s.perJob()}, Seconds: s.Took.Round(time.Millisecond).Seconds(),
		Folder: s.Folder, Sheet: s.Sheet, SheetLink: s.sheetLink(), Errors: s.Errors,
		Remote: remoteJSON(s.Remote), Again: s.Again,
		Warnings: s.Warnings,
	}
}
