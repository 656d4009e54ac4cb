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

func (c *Cleanup) Add(name string, do func() error) {
	c.steps = append(c.steps, cleanupStep{name, do})
}

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
