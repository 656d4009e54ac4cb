package app

import (
	"context"
	"errors"
	"time"
)

const (
	controlName = "_nightshift/control.json"
	// cancelName is an object of its own, so that nobody who pauses or resumes at the
	// same time takes a cancellation back.
	cancelName = "_nightshift/cancel.json"
)

// control is what a person, or a guard, wants of an order that goes on, or what keeps it
// from going on.
type control struct {
	Order string       `json:"order"` // another order is not meant
	State controlState `json:"state"`
	Why   string       `json:"why,omitempty"`
	// Hint says what a person can do about it.
	Hint string `json:"hint,omitempty"`
	// Guard says that the batch was paused by a rule of its manifest, not by a person.
	Guard bool      `json:"guard,omitempty"`
	At    time.Time `json:"at"`
}

type controlState string

const (
	controlGo     controlState = "go"
	controlPause  controlState = "paused"
	controlCancel controlState = "cancelled"
	// controlBlocked is written by the batch's leader while nothing goes on without a
	// person. What is queued is tried again all the same.
	controlBlocked controlState = "blocked"
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

// writeControl says what is wanted of an order; c needs no order and no time.
func writeControl(ctx context.Context, b objects, o *order, c control) error {
	name := controlName
	if c.State == controlCancel {
		name = cancelName
	}
	c.Order, c.At = o.ID, time.Now().UTC()
	return writeJSON(ctx, b, o.Batch+"/"+name, c)
}

// blockage is what a person has to see to before the batch goes on; nil if nothing is.
func (c control) blockage() *blockage {
	if c.State == controlBlocked || c.State == controlPause && c.Guard {
		return &blockage{err: errors.New(c.Why), hint: c.Hint}
	}
	return nil
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
