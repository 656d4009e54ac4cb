package batch

import (
	"context"
	"errors"
	"time"

	"nightshift/internal/bucket"
)

const (
	controlName = "_nightshift/control.json"
	// cancelName is an object of its own, so that nobody who pauses or resumes at the
	// same time takes a cancellation back.
	cancelName = "_nightshift/cancel.json"
	// blockedName is the leader's own, so that it takes back nothing that a person wants
	// at the same time.
	blockedName = "_nightshift/blocked.json"
)

// Control is what a person, or a guard, wants of a submission that goes on, or what keeps it
// from going on.
type Control struct {
	Order string       `json:"order"` // another order is not meant
	State ControlState `json:"state"`
	Why   string       `json:"why,omitempty"`
	// Hint says what a person can do about it.
	Hint string `json:"hint,omitempty"`
	// Guard says that the batch was paused, or ends, by a rule of its manifest, not by a person.
	Guard bool      `json:"guard,omitempty"`
	At    time.Time `json:"at"`
}

// ControlState is what is wanted of a submission, or what it is in; a closed list.
type ControlState string

// What can be wanted of a submission.
const (
	ControlGo     ControlState = "go"
	ControlPause  ControlState = "paused"
	ControlCancel ControlState = "cancelled"
	// ControlBlocked is written by the batch's leader while nothing goes on without a
	// person. What is queued is tried again all the same.
	ControlBlocked ControlState = "blocked"
)

// ReadControl is what is wanted of a submission; to go on, where nobody said otherwise.
func ReadControl(ctx context.Context, b bucket.Objects, o *Submission) (Control, error) {
	for _, name := range []string{cancelName, controlName, blockedName} {
		var c Control
		found, err := ReadJSON(ctx, b, o.Batch+"/"+name, &c)
		if err != nil {
			return Control{}, err
		}
		if found && c.Order == o.ID && c.State != ControlGo {
			return c, nil
		}
	}
	return Control{Order: o.ID, State: ControlGo}, nil
}

// WriteControl says what is wanted of a submission; c needs no submission and no time.
// Who lets it go on has seen to what blocked it.
func WriteControl(ctx context.Context, b bucket.Objects, o *Submission, c Control) error {
	name := controlName
	switch c.State {
	case ControlCancel:
		name = cancelName
	case ControlBlocked:
		name = blockedName
	case ControlGo:
		if err := Unblock(ctx, b, o); err != nil {
			return err
		}
	case ControlPause:
	}
	c.Order, c.At = o.ID, time.Now().UTC()
	return WriteJSON(ctx, b, o.Batch+"/"+name, c)
}

// Unblock says that nothing blocks a submission any more. What a person wants of it stays.
func Unblock(ctx context.Context, b bucket.Objects, o *Submission) error {
	return WriteJSON(ctx, b, o.Batch+"/"+blockedName, Control{Order: o.ID, State: ControlGo, At: time.Now().UTC()})
}

// Blockage is what a person has to see to before the batch goes on; nil if nothing is.
func (c Control) Blockage() *Blockage {
	if c.State == ControlBlocked || c.State == ControlPause && c.Guard {
		return &Blockage{Err: errors.New(c.Why), Hint: c.Hint}
	}
	return nil
}

// Closed says why no job of the submission may start; "" if they may.
func (c Control) Closed() string {
	switch {
	case c.State == ControlCancel && c.Why != "":
		return c.Why
	case c.State == ControlCancel:
		return "it was cancelled"
	case c.State == ControlPause && c.Why != "":
		return c.Why
	case c.State == ControlPause:
		return "resume it with enqueue resume"
	default:
		return ""
	}
}
