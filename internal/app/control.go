package app

import (
	"context"
	"time"
)

const (
	controlName = "_nightshift/control.json"
	// cancelName is an object of its own, so that nobody who pauses or resumes at the
	// same time takes a cancellation back.
	cancelName = "_nightshift/cancel.json"
)

// control is what a person, or a guard, wants of an order that goes on.
type control struct {
	Order string       `json:"order"` // another order is not meant
	State controlState `json:"state"`
	Why   string       `json:"why,omitempty"`
	At    time.Time    `json:"at"`
}

type controlState string

const (
	controlGo     controlState = "go"
	controlPause  controlState = "paused"
	controlCancel controlState = "cancelled"
)

// readControl is what is wanted of an order; to go on, where nobody said otherwise.
func readControl(ctx context.Context, b objects, o *order) (control, error) {
	for _, name := range []string{cancelName, controlName} {
		var c control
		found, err := readJSON(ctx, b, o.Batch+"/"+name, &c)
		if err != nil {
			return control{}, err
		}
		if found && c.Order == o.ID {
			return c, nil
		}
	}
	return control{Order: o.ID, State: controlGo}, nil
}

func writeControl(ctx context.Context, b objects, o *order, state controlState, why string) error {
	name := controlName
	if state == controlCancel {
		name = cancelName
	}
	return writeJSON(ctx, b, o.Batch+"/"+name, control{Order: o.ID, State: state, Why: why, At: time.Now().UTC()})
}

// closed says why no job of the order may start; "" if they may.
func (c control) closed() string {
	switch {
	case c.State == controlCancel && c.Why != "":
		return c.Why
	case c.State == controlCancel:
		return "it was cancelled"
	case c.State == controlPause && c.Why != "":
		return c.Why
	case c.State == controlPause:
		return "resume it with enqueue resume"
	default:
		return ""
	}
}
