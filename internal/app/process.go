package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/bucket"
	"nightshift/internal/document"
	"nightshift/internal/job"
)

// Process is what a program gets from the system. Nothing else reads arguments or
// the environment.
type Process struct {
	Args           []string  // without the program's name
	Environ        []string  // as os.Environ gives it
	Stdin          io.Reader // nil where nobody can be asked
	Stdout, Stderr io.Writer

	// What a test brings in place of the world outside: the way to the image APIs,
	// and a Redis, which it closes itself. Nil is the network, and what the settings say.
	Transport http.RoundTripper
	Redis     redis.UniversalClient
	// Bucket puts faults in front of the bucket of a worker; nil is the bucket itself.
	Bucket func(bucket.Objects) bucket.Objects
	// Simulator is the built-in one of a command that works on batches of mode test
	// itself; all of its parts share it.
	Simulator http.RoundTripper
}

// ErrSomeFailed says that a run ended without all of its images. What is missing
// was said already.
var ErrSomeFailed = errors.New("some jobs did not succeed")

// AsInput marks errors of opening a manifest as the caller's, problems apart,
// which are so by themselves.
func AsInput(err error) error {
	if _, problems := errors.AsType[*document.Problems](err); problems {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return &job.InputError{Err: err}
	}
	return &job.InputError{Err: fmt.Errorf("read manifest: %w", err)}
}
