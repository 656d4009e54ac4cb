package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/view"
)

// fleetCommands are those that submit to a fleet of workers, look at it and steer it.
func fleetCommands(p app.Process) []*cobra.Command {
	return []*cobra.Command{
		submitCommand(p), statusCommand(p), watchCommand(p), pauseCommand(p), resumeCommand(p), cancelCommand(p), retryCommand(p),
		resultsCommand(p), lsCommand(p), pickCommand(p), exportCommand(p),
	}
}

// whatBatch explains the argument of these commands.
const whatBatch = `
BATCH is the id of a batch (test/icons), its name (icons), or its manifest's file.`

// withSettings runs a command with the settings of the environment.
func withSettings(p app.Process, command func(ctx context.Context, s config.Settings, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		settings, err := config.Load(p.Environ)
		if err != nil {
			return &job.InputError{Err: err}
		}
		return command(cmd.Context(), settings, args)
	}
}

// oneBatch is the rule for arguments of commands about one batch.
func oneBatch(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one batch, got %d; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())
	}
	return nil
}

func submitCommand(p app.Process) *cobra.Command {
	var o submitOptions
	cmd := &cobra.Command{
		Use:   "submit FILE",
		Short: "Hand a manifest to the workers of a fleet and return at once",
		Long: `Check and price a manifest, write its plan into the fleet's bucket, and let the
workers run it. Nothing depends on this command once it has returned. Submitting
the same manifest again, from here or from another machine, is one batch; an edited
one replaces what is queued, and only what changed is paid for. A row that the
provider refused for its content and charged is not bought again unless it changes,
or --retry-refused asks for it. A picked image is not replaced by a change of its row,
unless --replace-picked asks for it.

A live batch asks before it spends, unless --yes is given. Where nobody can be asked,
--yes or a budget in the manifest is needed.

With --watch it stays and shows how the batch goes on, as enqueue watch does.

Exit codes: 0 submitted, 1 unexpected error, 2 wrong input and nothing done, 3 a cap of
CU does not cover the plan; with --watch also 3 some jobs failed or were cancelled, 130
interrupted (the batch goes on).`,
		Example: "  enqueue submit jobs/icons.yaml\n  enqueue submit --watch jobs/icons.yaml\n  enqueue submit --json nightly.jsonl | jq -r .batch",
		Args:    oneFile, ValidArgsFunction: completeFile,
		RunE: withSettings(p, func(ctx context.Context, s config.Settings, args []string) error {
			return submit(ctx, p, s, args[0], o)
		}),
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "show how it goes on until it is over")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "print failures and, with --watch, the summary only")
	retryRefusedFlag(cmd, &o.retryRefused)
	replacePickedFlag(cmd, &o.replacePicked)
	yesFlag(cmd, &o.yes)
	originFlags(cmd, &o.origin)
	return cmd
}

func statusCommand(p app.Process) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [BATCH...]",
		Short: "Show how batches and workers stand, and what limits them",
		Long: `Show how the open batches stand, or those that are named: what runs, what was
spent, how long it takes, what is waited for and until when, and what limits the
speed: whether more workers would help. And the workers, with what troubles them.
` + whatBatch + `

Exit codes: 0 shown, 1 unexpected error, 2 wrong input.`,
		Example:           "  enqueue status\n  enqueue status test/icons\n  enqueue status --json | jq '.batches[].bottleneck.kind'",
		ValidArgsFunction: completeBatch(p, 0),
		RunE:              withSettings(p, func(ctx context.Context, s config.Settings, args []string) error { return status(ctx, p, s, args, o) }),
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func watchCommand(p app.Process) *cobra.Command {
	var o view.WatchOptions
	cmd := &cobra.Command{
		Use:   "watch [BATCH]",
		Short: "Show a batch live until it is over",
		Long: `Show how a batch goes on until it is over, and how it ended. Without BATCH it is the
only one that is open. Anybody may watch; Ctrl-C ends the watching, not the batch.

With --json it prints the lines of enqueue run --json, with all results of the batch's
last order.
` + whatBatch + `

Exit codes: 0 all images made, 1 unexpected error, 2 wrong input, 3 some jobs failed or
were cancelled, 130 interrupted (the batch goes on).`,
		Example: "  enqueue watch\n  enqueue watch test/icons\n  enqueue watch --json icons | jq -r 'select(.type==\"result\").result.row'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return oneBatch(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: completeBatch(p, 1),
		RunE:              withSettings(p, func(ctx context.Context, s config.Settings, args []string) error { return watch(ctx, p, s, args, o) }),
	}
	cmd.Flags().BoolVarP(&o.Quiet, "quiet", "q", false, "print failures and the summary only")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON object a line")
	return cmd
}

// steerCommand is a command that says what is wanted of a batch.
func steerCommand(p app.Process, wanted batch.ControlState, cmd *cobra.Command) (*cobra.Command, *steerOptions) {
	o := new(steerOptions)
	cmd.Use = verbFor(wanted) + " BATCH"
	cmd.Long += "\n" + whatBatch + "\n\nExit codes: 0 done (or it was so already), 1 unexpected error, 2 wrong input."
	cmd.Args, cmd.ValidArgsFunction = oneBatch, completeBatch(p, 1)
	cmd.RunE = withSettings(p, func(ctx context.Context, s config.Settings, args []string) error {
		return steer(ctx, p, s, args[0], wanted, *o)
	})
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd, o
}

func pauseCommand(p app.Process) *cobra.Command {
	cmd, o := steerCommand(p, batch.ControlPause, &cobra.Command{
		Short: "Send no more jobs of a batch; what runs is collected",
		Long: `Send no more jobs of a batch until it is resumed. What runs at the provider is paid
and is collected.`,
		Example: "  enqueue pause test/icons\n  enqueue pause --why 'new prompts come tomorrow' icons",
	})
	cmd.Flags().StringVar(&o.why, "why", "", "what status and watch tell others")
	return cmd
}

func resumeCommand(p app.Process) *cobra.Command {
	cmd, o := steerCommand(p, batch.ControlGo, &cobra.Command{
		Short: "Let a batch go on that is paused, or that waits for a pick",
		Long: `Let a paused batch go on, one that a person paused or one whose prices rose. Of a batch
that is over, the jobs are submitted that waited for a pick and whose images are picked
now (enqueue pick).`,
		Example: "  enqueue resume test/icons",
	})
	yesFlag(cmd, &o.yes)
	return cmd
}

func cancelCommand(p app.Process) *cobra.Command {
	cmd, _ := steerCommand(p, batch.ControlCancel, &cobra.Command{
		Short: "End a batch; what runs is collected, what it made stays",
		Long: `End a batch: nothing more is sent, and it is over when what runs at the provider is
collected. That is committed: it is paid, and cannot be cancelled. What the batch has
made stays, and enqueue retry, or submitting it again, goes on from there.`,
		Example: "  enqueue cancel test/icons",
	})
	return cmd
}

func retryCommand(p app.Process) *cobra.Command {
	var o retryOptions
	cmd := &cobra.Command{
		Use:   "retry BATCH",
		Short: "Run the jobs of a batch again that have no images",
		Long: `Run the jobs of a batch that is over again that failed, were cancelled or not run. It
is the same plan at the prices that were quoted for it; what succeeded is kept and not
paid again. With the file of a manifest, edited perhaps, it is enqueue submit.

With --rejected --new-seeds the rows whose images are rejected (enqueue pick) are rolled
again: their jobs draw other seeds, and the new images replace the old ones. That plans
the manifest anew, whose file must be here, and runs it where enqueue run made the batch.
A row with a fixed seed is told and left as it is, and so is one with a picked image beside
the rejected one, unless --replace-picked asks for it.

What was refused for its content and charged is left out, since it would be paid again
for nothing. --kind names the kinds of failure to run again, as errors.jsonl and
enqueue results --failed say them, "rejected" for those. What was cancelled or not run
runs in any case.

A batch that goes on is left alone: what fails there for a passing reason is tried again
by itself.
` + whatBatch + `

Exit codes: 0 submitted, 1 unexpected error, 2 wrong input and nothing done; of a batch
that is run those of enqueue run.`,
		Example: "  enqueue retry test/icons\n  enqueue retry --kind rejected icons\n  enqueue retry --rejected --new-seeds icons\n  enqueue retry --json icons | jq '.jobs - .kept'",
		Args:    oneBatch, ValidArgsFunction: completeBatch(p, 1),
		RunE: withSettings(p, func(ctx context.Context, s config.Settings, args []string) error { return retry(ctx, p, s, args[0], o) }),
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	yesFlag(cmd, &o.yes)
	cmd.Flags().BoolVar(&o.rejected, "rejected", false, "the rows whose images are rejected; with --new-seeds")
	cmd.Flags().BoolVar(&o.newSeeds, "new-seeds", false, "draw other seeds for them")
	replacePickedFlag(cmd, &o.replacePicked)
	cmd.Flags().StringSliceVar(&o.kinds, "kind", nil, "of the jobs that failed only those of these kinds: "+strings.Join(job.FailureKinds, ", "))
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(job.FailureKinds, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

func pickCommand(p app.Process) *cobra.Command {
	var o pickOptions
	cmd := &cobra.Command{
		Use:   "pick BATCH [ROW...]",
		Short: "Pick or reject images of a batch, or show how they are marked",
		Long: `Note which images of a batch are picked and which rejected: all images of the rows
that are named, ROW:2 for the second image of a row, or those that were marked in the
contact sheet and saved there as a file. Without rows and file it shows how many are
picked, rejected and unmarked.

The last mark of an image counts. A mark is of the image as it was made: one that was
made anew since, or is gone, is told and not marked. A picked image is not replaced by a
later run or retry unless --replace-picked asks for it; enqueue retry --rejected --new-seeds makes
others in place of those that are rejected.
` + whatBatch + `

Exit codes: 0 noted or shown, 1 unexpected error, 2 wrong input and nothing noted, 3 some
marks of the file were not taken, since their images are not there any more.`,
		Example: "  enqueue pick test/icons health mana:2\n  enqueue pick --reject icons axe\n  enqueue pick --file ~/Downloads/icons-picks.json icons\n" +
			"  enqueue pick --json icons | jq -r '.marks[] | select(.mark == \"pick\").image'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return oneBatch(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: completeBatch(p, 1),
		RunE: withSettings(p, func(ctx context.Context, s config.Settings, args []string) error {
			return pickImages(ctx, p, s, args, o)
		}),
	}
	cmd.Flags().StringVarP(&o.file, "file", "f", "", "take the marks of a file that a contact sheet has saved, - for the standard input")
	cmd.Flags().BoolVar(&o.reject, "reject", false, "the images are rejected")
	cmd.Flags().BoolVar(&o.clear, "clear", false, "take the marks of the images back")
	cmd.Flags().StringVar(&o.why, "why", "", "why, for others to read in picks.jsonl")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would be noted, and note nothing")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func exportCommand(p app.Process) *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export BATCH DIR",
		Short: "Copy images of a batch into a folder",
		Long: `Copy the images of a batch, or with --picked those that are picked and what was made
of them, from the bucket into a folder, under their output names or as --layout says.
With --last an image of which another one that is copied was made is left out.
A layout has the placeholders of an output name: {id}, {n}, {ext}, {model}, {style},
{seed}, {hash8}, parameters and variables; also {row}, the whole id of the row.

Names that clash and other files that are there are refused before anything is copied.
Each file is copied whole or not at all, and the same command again copies only what is
missing.
` + whatBatch + `

Exit codes: 0 copied, 1 unexpected error, 2 wrong input and nothing copied, 3 some images
are not in the batch's folder as they were made, and the others are copied.`,
		Example: "  enqueue export test/icons /mnt/game/icons --picked\n  enqueue export icons art --picked --layout '{style}/{id}_{n}.{ext}'\n" +
			"  enqueue export --json icons art | jq -r '.files[].file'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("%s takes a batch and a folder, got %d; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
			return completeBatch(p, 1)(cmd, args, begun)
		},
		RunE: withSettings(p, func(ctx context.Context, s config.Settings, args []string) error {
			return exportImages(ctx, p, s, args[0], args[1], o)
		}),
	}
	cmd.Flags().BoolVar(&o.Picked, "picked", false, "only images that are picked, and what was made of them")
	cmd.Flags().BoolVar(&o.Last, "last", false, "of images that are made of each other only the last ones, such as what was scaled up")
	cmd.Flags().StringVar(&o.Layout, "layout", "", "names of the files, such as '{style}/{id}-{n}.{ext}' (default: the output names)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func resultsCommand(p app.Process) *cobra.Command {
	var o resultsOptions
	cmd := &cobra.Command{
		Use:   "results BATCH",
		Short: "Print what came of the jobs of a batch",
		Long: `Print the results of a batch so far, one line a job: as a table, as JSON lines like
those of results.jsonl in the bucket, or as CSV with one line an image.

With --links every image comes with a link by which anybody can read it for a while:
treat it as a secret. Where the bucket is a folder, that is the file's address.
` + whatBatch + `

Exit codes: 0 printed, 1 unexpected error, 2 wrong input.`,
		Example: "  enqueue results test/icons\n  enqueue results --failed icons\n  enqueue results --format csv --links --expires 24h icons > icons.csv\n" +
			"  enqueue results --row 'health*' --format jsonl icons | jq -r '.images[].key'",
		Args: oneBatch, ValidArgsFunction: completeBatch(p, 1),
		RunE: withSettings(p, func(ctx context.Context, s config.Settings, args []string) error {
			return showResults(ctx, p, s, args[0], o)
		}),
	}
	cmd.Flags().StringVar(&o.format, "format", "", "table, jsonl or csv (default table)")
	cmd.Flags().BoolVar(&o.json, "json", false, "the same as --format jsonl")
	cmd.Flags().BoolVar(&o.failed, "failed", false, "jobs that failed and have not succeeded since")
	cmd.Flags().StringVar(&o.row, "row", "", "only of this row, or of rows that match a pattern such as 'health*'")
	cmd.Flags().BoolVar(&o.links, "links", false, "with links to the images")
	cmd.Flags().DurationVar(&o.expires, "expires", time.Hour, "how long links work, at most 168h")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

func lsCommand(p app.Process) *cobra.Command {
	var o lsOptions
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the batches in the bucket, the newest first",
		Long: `List the batches in the bucket, those that something happened to last first. Jobs,
images and CU are those of the plan for a batch that goes on, and those of its report
for one that is over, of which CU are all it ever spent.

Exit codes: 0 shown, 1 unexpected error, 2 wrong settings.`,
		Example: "  enqueue ls\n  enqueue ls --open\n  enqueue ls --json | jq -r '.batches[] | select(.failed > 0).batch'",
		Args:    noArguments, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: withSettings(p, func(ctx context.Context, s config.Settings, _ []string) error { return ls(ctx, p, s, o) }),
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.open, "open", false, "only open batches")
	return cmd
}
