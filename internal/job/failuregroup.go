package job

// WarningGroup is the images with one warning.
type WarningGroup struct {
	Warning string   `json:"warning"`
	Images  int      `json:"images"`
	Rows    []string `json:"rows"` // the manifest's ids of the first few
}

// FailureGroup is the jobs that failed for one reason.
type FailureGroup struct {
	Kind   string   `json:"kind"`
	Reason string   `json:"reason"`
	Hint   string   `json:"hint,omitempty"`
	Jobs   int      `json:"jobs"`
	Rows   []string `json:"rows"` // the manifest's ids of the first few
}
