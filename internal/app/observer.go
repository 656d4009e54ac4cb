package app

import "nightshift/internal/job"

// observer is told what happens in a worker by the process around it, beside the log.
// What is nil is not told.
type observer struct {
	told    func(text string) // something worth a line to a person
	landed  func(result job.Result)
	changed func() // what the bucket tells of a batch may be new
	blocked func(b blockage)
}

func (o observer) tell(text string) {
	if o.told != nil {
		o.told(text)
	}
}

func (o observer) hasLanded(result job.Result) {
	if o.landed != nil {
		o.landed(result)
	}
}

func (o observer) hasChanged() {
	if o.changed != nil {
		o.changed()
	}
}

// isBlocked reports whether somebody was told, who says it to the person.
func (o observer) isBlocked(b blockage) (told bool) {
	if o.blocked != nil {
		o.blocked(b)
	}
	return o.blocked != nil
}
