package app

import (
	"context"
	"encoding/json"
	"errors"

	"nightshift/internal/config"
)

type planOptions struct {
	out  string
	json bool
}

// showPlan is the command plan.
func showPlan(ctx context.Context, p Process, s config.Settings, file string, o planOptions) (err error) {
	session, err := openSession(ctx, p.Stderr, s, file, o.out)
	if session != nil {
		defer func() { err = errors.Join(err, session.cleanup.run()) }()
	}
	if err != nil {
		return err
	}
	plan, err := session.plan(ctx, nil)
	if err != nil {
		return err
	}
	if !o.json {
		return plan.WriteTable(p.Stdout)
	}
	encoder := json.NewEncoder(p.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(plan)
}
