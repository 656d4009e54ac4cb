package app

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nightshift/internal/config"
)

// Enqueue is the program enqueue. It returns the exit code. When ctx ends it stops
// cleanly.
func Enqueue(ctx context.Context, p Process) int {
	root := &cobra.Command{
		Use:           "enqueue",
		Short:         "Turn manifests of prompts into images, overnight and paid once",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.AddCommand(runCommand(p), planCommand(p))
	began := false
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	err := root.ExecuteContext(ctx)
	if err != nil && !began { // an unknown command or flag
		err = &inputError{err}
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

func runCommand(p Process) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Make all images of a manifest, in this one process",
		Long: `Make all images of a manifest, in this one process with nothing else installed.

Images, results and a contact sheet go to the folder out/<batch>. Running the
same command again makes and pays only what is missing. Ctrl-C stops cleanly.

Batches of mode test run on the built-in simulator, or on the API that
SCENARIO_API_URL names; batches of mode live on the real API, with the key in
SCENARIO_API_KEY and SCENARIO_API_SECRET.

Exit codes: 0 all images made, 1 unexpected error, 2 wrong input and nothing
done, 3 some jobs failed or were not run, 130 interrupted.`,
		Example: "  enqueue run jobs/quickstart.yaml\n  enqueue run --out /mnt/art --quiet nightly.jsonl",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := config.Load(p.Environ)
			if err != nil {
				return &inputError{err}
			}
			return run(cmd.Context(), p, settings, args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "folder that batches go to (default: NIGHTSHIFT_OUT, or out)")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "print failures and the summary only")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	return cmd
}

func planCommand(p Process) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Show what a manifest would make, cost and take; spends nothing",
		Long: `Show what a manifest would make, what it would cost and how long it would take.
Every row is checked against its model, and prices come from dry runs, which are
free. Nothing is submitted and nothing is written.

Exit codes: 0 the plan can run, 1 unexpected error, 2 the manifest has problems.`,
		Example: "  enqueue plan jobs/icons.yaml\n  enqueue plan --json nightly.jsonl | jq .cost",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := config.Load(p.Environ)
			if err != nil {
				return &inputError{err}
			}
			return showPlan(cmd.Context(), p, settings, args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "folder that batches go to (default: NIGHTSHIFT_OUT, or out)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the plan as JSON")
	return cmd
}
