package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

// The exit codes.
const (
	exitDone        = 0
	exitUnexpected  = 1
	exitInput       = 2 // nothing was done, because the input is wrong
	exitSomeFailed  = 3
	exitInterrupted = 130
)

// exitCode tells the person what went wrong, if that was not said yet, and
// decides the exit code.
func exitCode(ctx context.Context, stderr io.Writer, err error) int {
	problems, wrong := errors.AsType[*document.Problems](err)
	input, misused := errors.AsType[*job.InputError](err)
	access, refused := errors.AsType[*job.AccessError](err)
	badKey, named := errors.AsType[*pool.BadKeyError](err)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, app.ErrSomeFailed):
		return exitSomeFailed
	case errors.Is(err, view.ErrReplaced):
		complain(stderr, err)
		return exitSomeFailed
	case ctx.Err() != nil:
		if !errors.Is(err, job.ErrInterrupted) && !errors.Is(err, context.Canceled) {
			complain(stderr, err)
		}
		return exitInterrupted
	case wrong:
		fmt.Fprintln(stderr, problems)
		fmt.Fprintf(stderr, "\n%s; nothing was submitted and nothing was written\n", text.Count(problems.Len(), "problem"))
		return exitInput
	case misused:
		complain(stderr, input)
		return exitInput
	case named:
		fmt.Fprintf(stderr, "API key %s: the API refused this key or its secret (%s)\n", badKey.ID, access.Detail)
		return exitInput
	case refused && access.Access == job.AccessKey:
		fmt.Fprintf(stderr, "%s, %s: the API refused this key or its secret (%s)\n", config.KeyVariable, config.SecretVariable, access.Detail)
		return exitInput
	default:
		complain(stderr, err)
		return exitUnexpected
	}
}

func complain(stderr io.Writer, err error) {
	fmt.Fprintf(stderr, "error: %s\n", text.HideSecrets(err.Error()))
	if hint := job.Hint(err); hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", text.HideSecrets(hint))
	}
}
