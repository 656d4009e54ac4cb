package scenario

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"nightshift/internal/job"
)

// needs are what each request does, and the scope that it needs.
//
// Scenario API: the names follow the levels of access that the vendor's help page lists.
// Who may view models may view jobs.
var needs = map[Operation]struct {
	action job.Action
	scope  string
}{
	OpModel:  {job.ReadModels, "models.read"},
	OpDryRun: {job.RunModels, "models.run"},
	OpSubmit: {job.RunModels, "models.run"},
	OpJob:    {job.ReadRuns, "models.read"},
	OpJobs:   {job.ReadRuns, "models.read"},
	OpAsset:  {job.ReadAssets, "assets.read"},
	OpAssets: {job.ReadAssets, "assets.read"},
	OpMade:   {job.ReadAssets, "assets.read"},
	OpUsages: {job.ReadCharges, "usage.read"},
	OpUpload: {job.WriteAssets, "assets.write"},
}

// namedScope finds the name of a scope in the words of a refusal.
var namedScope = regexp.MustCompile(`\b[a-z][a-z-]*(\.[a-z][a-z-]*)?\.(read|write|run|delete|manage)\b`)

// scope says what was refused and which scope it needs: the one that the words name, or
// that of the route.
func (r *refusal) scope(refusal *job.AccessError) error {
	need, known := needs[r.op]
	if named := namedScope.FindString(r.words); named != "" {
		need.scope = named
	}
	switch {
	case !known:
		return refusal
	case r.foreign && r.op != OpSubmit: // something in front of the API refused, which may pass
		return r.plain()
	}
	return &job.ScopeError{Action: need.action, Scope: need.scope, Refusal: refusal}
}

// mentions reports whether an id stands in the words by itself, not within another.
func mentions(words, id string) bool {
	within := func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' || c == '-' }
	return slices.Contains(strings.FieldsFunc(words, func(c rune) bool { return !within(c) }), id)
}

// nothing is an id of no model and no asset, for requests that are about whether they
// may be made.
const nothing = "nightshift-checks-scopes"

// Check finds out by free requests what a run needs and the API key may not do: a
// [job.ScopeError] for each scope that is missing. place is called before each request.
// The error is a [job.AccessError] where the key or its project is refused altogether;
// any other says that the API could not be asked.
func (c *Client) Check(ctx context.Context, place func(context.Context) error) (missing []*job.ScopeError, err error) {
	for _, try := range []func(context.Context) error{c.tryRuns, c.tryAssets, c.tryModel, c.tryRun} {
		if err := place(ctx); err != nil {
			return missing, err
		}
		err := try(ctx)
		scope, lacking := errors.AsType[*job.ScopeError](err)
		switch {
		case lacking && c.project != "":
			if err := place(ctx); err != nil {
				return missing, err
			}
			if err := c.wrongProject(ctx, scope); err != nil {
				return missing, err
			}
			missing = append(missing, scope)
		case lacking:
			missing = append(missing, scope)
		case err != nil && !ofPlan(err):
			return missing, err
		}
	}
	return missing, nil
}

// ofPlan reports whether a request was refused for the plan, which is no matter of scopes.
func ofPlan(err error) bool {
	access, refused := errors.AsType[*job.AccessError](err)
	return refused && access.Access == job.AccessPlan
}

// wrongProject tells a project that is not the key's from a missing scope: without it the
// same request is not refused.
func (c *Client) wrongProject(ctx context.Context, scope *job.ScopeError) error {
	bare := *c
	bare.project = ""
	try := map[job.Action]func(context.Context) error{
		job.ReadRuns: bare.tryRuns, job.ReadAssets: bare.tryAssets, job.ReadModels: bare.tryModel, job.RunModels: bare.tryRun,
	}[scope.Action]
	if refused := try(ctx); refused == nil {
		return &job.AccessError{Access: job.AccessProject, Project: c.project, Detail: scope.Refusal.Detail}
	}
	return nil
}

func (c *Client) tryRuns(ctx context.Context) error {
	_, _, err := c.Inferences(ctx, "", 1)
	return err
}

func (c *Client) tryAssets(ctx context.Context) error {
	_, err := c.Assets(ctx, []string{nothing})
	return unlessUnknown(err)
}

func (c *Client) tryModel(ctx context.Context) error {
	_, err := c.Model(ctx, nothing)
	return unlessUnknown(err)
}

// tryRun asks for the price of a model that does not exist: whatever happens to the
// request, there is nothing to be paid.
func (c *Client) tryRun(ctx context.Context) error {
	_, err := c.Quote(ctx, job.Request{Model: nothing, Inputs: job.Inputs{}})
	return unlessUnknown(err)
}

// unlessUnknown takes it for an answer that the thing does not exist: the request was
// looked at.
func unlessUnknown(err error) error {
	if errors.Is(err, job.ErrNotFound) || errors.Is(err, job.ErrInvalid) {
		return nil
	}
	return err
}
