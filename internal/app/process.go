package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/config"
	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/text"
)

// Process is what a program gets from the system. Nothing else reads arguments or
// the environment.
type Process struct {
	Args           []string // without the program's name
	Environ        []string // as os.Environ gives it
	Stdout, Stderr io.Writer

	// What a test brings in place of the world outside: the way to the image APIs,
	// and a Redis, which it closes itself. Nil is the network, and what the settings say.
	transport http.RoundTripper
	redis     redis.UniversalClient
	// simulator is the built-in one of a command that works on batches of mode test
	// itself; all of its parts share it.
	simulator http.RoundTripper
}

// The exit codes.
const (
	exitDone        = 0
	exitUnexpected  = 1
	exitInput       = 2 // nothing was done, because the input is wrong
	exitSomeFailed  = 3
	exitInterrupted = 130
)

// inputError is something that the person who called has to correct; nothing was
// submitted and nothing written.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// errSomeFailed says that a run ended without all of its images. What is missing
// was said already.
var errSomeFailed = errors.New("some jobs did not succeed")

// exitCode tells the person what went wrong, if that was not said yet, and
// decides the exit code.
func exitCode(ctx context.Context, stderr io.Writer, err error) int {
	problems, wrong := errors.AsType[*document.Problems](err)
	input, misused := errors.AsType[*inputError](err)
	access, refused := errors.AsType[*job.AccessError](err)
	badKey, named := errors.AsType[*badKeyError](err)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSomeFailed):
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
		fmt.Fprintf(stderr, "API key %s: the API refused this key or its secret (%s)\n", badKey.id, access.Detail)
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
	fmt.Fprintf(stderr, "error: %v\n", err)
	if hint := job.Hint(err); hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", hint)
	}
}
