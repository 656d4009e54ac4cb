package manifest

import (
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
	// Name is the batch's name and folder. A flat file has that of the file.
	Name     string
	Mode     job.Mode // Test unless the manifest says live
	Budget   *job.CU  // nil if the manifest sets none
	Pool     string   // "" if the manifest names none
	Priority string   // Urgent, Normal or Overnight
	Window   *Window  // nil if jobs may run at any time

	def definition
}
