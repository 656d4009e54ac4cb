package cli

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/job"
	"nightshift/internal/telemetry"
	"nightshift/internal/text"
	"nightshift/internal/worker"
)

// Worker is the program worker. It returns the exit code. When ctx ends it stops
// within the drain time.
func Worker(ctx context.Context, p app.Process) int {
	logging.Disable() // the Redis client's own log; what it tells comes back as errors, too
	p.Stdout, p.Stderr = text.NewCleanWriter(p.Stdout), text.NewCleanWriter(p.Stderr)
	root := &cobra.Command{
		Use:   "worker",
		Short: "Run the jobs that were submitted to a fleet",
		Long: `Run the jobs of all batches that were submitted to the bucket, together with any
number of other workers on the same bucket and Redis. Everything is configured by
environment variables; see docs/configuration.md. A worker holds no state: it may be
killed, moved and added to at any time. SIGTERM stops it within NIGHTSHIFT_DRAIN.

Exit codes: 0 stopped as asked, 1 unexpected error, 2 wrong settings.`,
		Example:       "  worker\n  worker doctor",
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       telemetry.Version(),
		RunE:          func(cmd *cobra.Command, _ []string) error { return worker.Run(cmd.Context(), p) },
	}
	root.AddCommand(&cobra.Command{
		Use:   "doctor",
		Short: "Check Redis, bucket and API keys, and work on nothing",
		Long: `Check everything that a worker needs: the version and settings of Redis, what the
bucket can do, and every API key, with a free request. Each line says what was found,
and how to mend what is wrong.

Exit codes: 0 a worker can work so, 2 something must be mended first.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return worker.Doctor(cmd.Context(), p) },
	}, &cobra.Command{
		Use:   "health",
		Short: "Ask the worker on this machine whether it takes jobs",
		Long: `Ask the worker that listens at NIGHTSHIFT_LISTEN whether it takes jobs, for
containers' health checks.

Exit codes: 0 it takes jobs, 1 it does not, or none answers.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return worker.Health(cmd.Context(), p) },
	})
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	began := false
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	err := root.ExecuteContext(ctx)
	if err != nil && !began {
		err = &job.InputError{Err: err}
	}
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, job.ErrInterrupted)) {
		return exitDone // it was asked to stop
	}
	return exitCode(context.WithoutCancel(ctx), p.Stderr, err)
}
