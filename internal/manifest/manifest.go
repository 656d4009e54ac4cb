package manifest

import (
	"nightshift/internal/document"
	"nightshift/internal/job"
)

// The priorities, which are the weighted queues of a lane.
const (
	Urgent    = "urgent"
	Normal    = "normal"
	Overnight = "overnight"
)

// Manifest is a file of jobs, opened and checked as far as its header goes. Its
// rows are read when they are asked for.
type Manifest struct {
	Path string
	// Name is the batch's name. A flat file has that of the file.
	Name string
	// Named says that the name is stated, in the file or by [Manifest.Rename], and not that
	// of the file.
	Named    bool
	Mode     job.Mode // Test unless the manifest says live
	Budget   *job.CU  // nil if the manifest sets none
	MaxDrift Drift    // by which a bill may be above its quote before the batch is stopped
	OnBudget OnBudget // OnBudgetWait unless the manifest says fail
	Pool     string   // "" if the manifest names none
	Priority string   // Urgent, Normal or Overnight
	Window   *Window  // nil if jobs may run at any time
	// Warnings are what stands at the top of the manifest and is hardly meant as it
	// reads. Those of rows are with the rows.
	Warnings document.Problems

	def definition
}

// Batch is the id of the manifest's batch, which is its folder below the output
// folder: its name, for a test batch within the folder of those. A test batch and
// a live one of the same name never share a folder.
func (m *Manifest) Batch() string {
	if m.Mode == job.Test {
		return testFolder + "/" + m.Name
	}
	return m.Name
}
