package job

// FailureGroup is the jobs that failed for one reason.
type FailureGroup struct {
	Kind   string   `json:"kind"`
	Reason string   `json:"reason"`
	Hint   string   `json:"hint,omitempty"`
	Jobs   int      `json:"jobs"`
	Rows   []string `json:"rows"` // the manifest's ids of the first few
}
