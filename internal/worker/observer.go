package worker

import (
	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// Observer is told what happens in a worker by the process around it, beside the log.
// What is nil is not told.
type Observer struct {
	Said    func(text string) // something worth a line to a person
	Stored  func(result job.Result)
	Changed func() // what the bucket tells of a batch may be new
	Blocked func(b batch.Blockage)
}

func (o Observer) tell(text string) {
	if o.Said != nil {
		o.Said(text)
	}
}

func (o Observer) hasStored(result job.Result) {
	if o.Stored != nil {
		o.Stored(result)
	}
}

func (o Observer) hasChanged() {
	if o.Changed != nil {
		o.Changed()
	}
}

// isBlocked reports whether somebody was told, who says it to the person.
func (o Observer) isBlocked(b batch.Blockage) (told bool) {
	if o.Blocked != nil {
		o.Blocked(b)
	}
	return o.Blocked != nil
}
