package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/job"
)

// custom is the type of models that run; trained the status of those that are ready.
const (
	custom      = "custom"
	trained     = "trained"
	deprecated  = "deprecated:"
	composition = "composition"
)

// models looks every model up once.
type models struct {
	caller *caller
	known  map[string]*known
}

// known is what a look-up said of a model.
type known struct {
	exists  bool
	checker *checker // of an empty record where the model does not exist or is not shown
	refusal finding  // why it cannot be run; empty where it can
}

func hidden(id string, refusal finding) *known {
	return &known{checker: newChecker(&job.Model{ID: id}), refusal: refusal}
}

// get returns what is known of a model, asking the provider the first time. It
// returns an error where the provider gives no answer about the model.
func (m *models) get(ctx context.Context, id string) (*known, error) {
	if found, ok := m.known[id]; ok {
		return found, nil
	}
	var model *job.Model
	err := m.caller.do(ctx, func(ctx context.Context) (err error) {
		model, err = m.caller.catalog.Model(ctx, id)
		return err
	})
	found, err := describe(id, model, err)
	if err != nil {
		return nil, fmt.Errorf("look up model %q: %w", id, err)
	}
	m.known[id] = found
	return found, nil
}

// describe turns an answer about the model into what is known of it, and other
// errors into ones that a person can act on.
func describe(id string, model *job.Model, err error) (*known, error) {
	if errors.Is(err, job.ErrNotFound) || errors.Is(err, job.ErrInvalid) {
		return hidden(id, finding{
			message:    fmt.Sprintf("the provider does not know the model %q", id),
			suggestion: "compare the id with the one on the model's page; a private model needs a key of its own project",
		}), nil
	}
	if access, ok := errors.AsType[*job.AccessError](err); ok && access.Access == job.AccessPlan {
		return hidden(id, notInPlan(id, access.RequiredPlan)), nil
	}
	if err != nil {
		return nil, explained(err)
	}
	return &known{exists: true, checker: newChecker(model), refusal: refusal(model)}, nil
}

// refusal says why a model that exists cannot be run.
func refusal(model *job.Model) finding {
	switch {
	case model.Type != custom:
		return notRunnable(model)
	case model.Status != trained:
		return finding{
			message:    fmt.Sprintf("%s is not ready: its status is %q", model.ID, model.Status),
			suggestion: "wait until its training has ended",
		}
	case model.RequiredPlan != "":
		return notInPlan(model.ID, model.RequiredPlan)
	}
	if successor, ok := successorOf(model); ok {
		return finding{
			message:    model.ID + " is deprecated",
			suggestion: "use its successor " + successor,
		}
	}
	return finding{}
}

func notRunnable(model *job.Model) finding {
	field := "loras"
	if strings.HasSuffix(model.Type, composition) {
		field = "modelId"
	}
	return finding{
		message:    fmt.Sprintf("%s is of type %s, which does not run by itself", model.ID, model.Type),
		suggestion: fmt.Sprintf("run its base model and name it in the parameter %s", field),
	}
}

func notInPlan(id, plan string) finding {
	f := finding{
		message:    fmt.Sprintf("%s is not in the plan of the API key", id),
		suggestion: "use another model, or a key of a team whose plan includes it",
	}
	if plan != "" {
		f.message += "; it needs the plan " + plan
	}
	return f
}

func successorOf(model *job.Model) (string, bool) {
	at := slices.IndexFunc(model.Tags, func(tag string) bool { return strings.HasPrefix(tag, deprecated) })
	if at < 0 {
		return "", false
	}
	return strings.TrimPrefix(model.Tags[at], deprecated), true
}

// explained adds what a person can do to an error that ends planning.
func explained(err error) error {
	if access, ok := errors.AsType[*job.AccessError](err); ok {
		switch access.Access {
		case job.AccessKey:
			return &job.HintedError{Err: err, Hint: "check the API key and its secret"}
		case job.AccessScope:
			return &job.InputError{Err: &job.HintedError{Err: err, Hint: "give the API key the scope it lacks, or use another key"}}
		case job.AccessProject:
			return &job.InputError{Err: &job.HintedError{Err: err, Hint: "correct the project of the API key"}}
		case job.AccessPlan:
			return &job.HintedError{Err: err, Hint: "use a key of a team whose plan includes the model"}
		}
	}
	if limit, ok := errors.AsType[*job.LimitError](err); ok && limit.Limit == job.LimitAllowance && !limit.NoneAllowed {
		return &job.HintedError{Err: err, Hint: "the allowance of the key's team is used up; wait for its next period or use another team's key"}
	}
	return err
}
