package app

import (
	"errors"
	"fmt"
	"slices"
)

// Cleanup gives back what was made, the last first.
type Cleanup struct {
	steps []cleanupStep
}

type cleanupStep struct {
	name string
	do   func() error
}

// Add notes how to give back what was just made; name says what that does, as in "close
// Redis", and begins its error.
func (c *Cleanup) Add(name string, do func() error) {
	c.steps = append(c.steps, cleanupStep{name, do})
}

// Run gives everything back and forgets it. The error joins those of all steps.
func (c *Cleanup) Run() error {
	var failed []error
	for _, step := range slices.Backward(c.steps) {
		if err := step.do(); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", step.name, err))
		}
	}
	c.steps = nil
	return errors.Join(failed...)
}
