package cli

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/telemetry"
	"nightshift/internal/text"
)

// Enqueue is the program enqueue. It returns the exit code. When ctx ends it stops
// cleanly.
func Enqueue(ctx context.Context, p app.Process) int {
	logging.Disable() // the Redis client's own log; what it tells comes back as errors, too
	p.Stdout, p.Stderr = text.NewCleanWriter(p.Stdout), text.NewCleanWriter(p.Stderr)
	root := &cobra.Command{
		Use:           "enqueue",
		Short:         "Turn manifests of prompts into images, overnight and paid once",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       telemetry.Version(),
	}
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.AddCommand(runCommand(p), planCommand(p), keysCommandOf(p), resolveCommand(p))
	root.AddCommand(fleetCommands(p)...)
	began := false
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	err := root.ExecuteContext(ctx)
	if err != nil && !began { // an unknown command or flag
		err = &job.InputError{Err: err}
	}
	return exitCode(ctx, p.Stderr, err)
}

// oneFile is the rule for arguments of commands that read a manifest.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one manifest, got %d; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())
	}
	return nil
}

func runCommand(p app.Process) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Make all images of a manifest, in this one process",
		Long: `Make all images of a manifest, in this one process with nothing else installed.

Images, results and a contact sheet go to the folder out/<batch>. Running the
same command again makes and pays only what is missing. Ctrl-C stops cleanly.
A row that the provider refused for its content and charged is not bought again
unless it changes, or --retry-refused asks for it. A picked image is not replaced by
a change of its row, unless --replace-picked asks for it.

Batches of mode test run on the built-in simulator, or on the API that
SCENARIO_API_URL names, which is never the real one; batches of mode live on the real
API, with the key in SCENARIO_API_KEY and SCENARIO_API_SECRET. The price is shown, and
a live batch asks before it spends, unless --yes is given. Where nobody can be asked,
--yes or a budget in the manifest is needed.

Exit codes: 0 all images made, 1 unexpected error, 2 wrong input and nothing
done, 3 some jobs failed or were not run, 130 interrupted.`,
		Example: "  enqueue run jobs/quickstart.yaml\n  enqueue run --out /mnt/art --quiet nightly.jsonl",
		Args:    oneFile, ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := config.Load(p.Environ)
			if err != nil {
				return &job.InputError{Err: err}
			}
			return run(cmd.Context(), p, settings, args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "folder that batches go to (default: NIGHTSHIFT_OUT, or out)")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "print failures and the summary only")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	retryRefusedFlag(cmd, &o.retryRefused)
	replacePickedFlag(cmd, &o.replacePicked)
	yesFlag(cmd, &o.yes)
	originFlags(cmd, &o.origin)
	return cmd
}

// originFlags adds the flags of commands that say to which batch a manifest belongs.
func originFlags(cmd *cobra.Command, o *originOptions) {
	cmd.Flags().StringVar(&o.name, "name", "", "name of the batch, in place of the manifest's")
	cmd.Flags().StringVar(&o.format, "format", "", "format of a manifest from the standard input, -: yaml, json, jsonl, csv or tsv (default: as it begins)")
	cmd.Flags().BoolVar(&o.replace, "replace", false, "take over a batch of this name that belongs to another file or name")
}

// yesFlag adds the flag of commands that spend.
func yesFlag(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "agree to the price of a live batch; without a terminal this, or a budget in the manifest, is needed")
}

// retryRefusedFlag adds the flag of commands that plan.
func retryRefusedFlag(cmd *cobra.Command, wanted *bool) {
	cmd.Flags().BoolVar(wanted, "retry-refused", false, "also run, and pay, what was refused for its content and charged before")
}

// replacePickedFlag adds the flag of commands that make what was changed.
func replacePickedFlag(cmd *cobra.Command, wanted *bool) {
	cmd.Flags().BoolVar(wanted, "replace-picked", false, "also make jobs of changed rows whose images are picked, which replaces these")
}

func planCommand(p app.Process) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Show what a manifest would make, cost and take; spends nothing",
		Long: `Show what a manifest would make, what it would cost and how long it would take.
Every row is checked against its model, and prices come from dry runs, which are
free. Nothing is submitted and nothing is written.

Exit codes: 0 the plan can run, 1 unexpected error, 2 the manifest has problems,
3 a cap of CU does not cover it.`,
		Example: "  enqueue plan jobs/icons.yaml\n  enqueue plan --json nightly.jsonl | jq .cost",
		Args:    oneFile, ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := config.Load(p.Environ)
			if err != nil {
				return &job.InputError{Err: err}
			}
			return showPlan(cmd.Context(), p, settings, args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "folder that batches go to (default: NIGHTSHIFT_OUT, or out)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the plan as JSON")
	retryRefusedFlag(cmd, &o.retryRefused)
	originFlags(cmd, &o.origin)
	return cmd
}

func keysCommandOf(p app.Process) *cobra.Command {
	var o keysOptions
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Show every API key: what it spent, what it may still do, what it waits for",
		Long: `Show every API key of the keys file (or the one of the environment): whether it
takes jobs, how many run, how many requests are left in this minute, the CU spent
and reserved against every cap, and until when it waits and why. It asks the Redis
server in NIGHTSHIFT_REDIS, or the runs that go on in the output folder, or adds up
the logs of the batches there, or in the fleet's bucket, when nothing runs.

With --reconcile what was spent is held against the account of the provider, day
by day. That account lags, so differences are shown with their age.

Exit codes: 0 shown, 1 unexpected error, 2 wrong settings.`,
		Example: "  enqueue keys\n  enqueue keys --json | jq '.standings[].keys[].state'\n  enqueue keys --reconcile",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := config.Load(p.Environ)
			if err != nil {
				return &job.InputError{Err: err}
			}
			return showKeys(cmd.Context(), p, settings, o)
		},
	}
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "folder that batches go to (default: NIGHTSHIFT_BUCKET, NIGHTSHIFT_OUT, or out)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.reconcile, "reconcile", false, "hold what was spent against the provider's account")
	return cmd
}

func resolveCommand(p app.Process) *cobra.Command {
	var o resolveOptions
	cmd := &cobra.Command{
		Use:   "resolve BATCH [JOB]",
		Short: "Decide what became of submissions whose reply was lost",
		Long: `Decide what became of submissions whose reply was lost, where neither the seed nor
the provider's list of inferences tells. Without JOB it shows what is to be decided.
Such a job keeps its CU reserved, and nothing is sent again, until it is decided; a
run of the batch, one that goes on or the next, or a worker, acts on it.

BATCH is the file of a manifest, or in the fleet's bucket the batch's id or name.

Exit codes: 0 shown or noted, 1 unexpected error, 2 wrong input.`,
		Example:           "  enqueue resolve nightly.yaml\n  enqueue resolve nightly.yaml axe/left --run job_8fK2\n  enqueue resolve nightly.yaml axe/left --resend",
		ValidArgsFunction: completeBatch(p, 1),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return fmt.Errorf("%s takes a batch and perhaps a job; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := config.Load(p.Environ)
			if err != nil {
				return &job.InputError{Err: err}
			}
			return resolve(cmd.Context(), p, settings, args, o)
		},
	}
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "folder that batches go to (default: NIGHTSHIFT_BUCKET, NIGHTSHIFT_OUT, or out)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().StringVar(&o.run, "run", "", "the inference that is the job's own")
	cmd.Flags().BoolVar(&o.resend, "resend", false, "it was never accepted: send it again")
	return cmd
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments; see %s --help", cmd.CommandPath(), cmd.CommandPath())
	}
	return nil
}
