package view

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/text"
)

// Commands that are shown are ones that work when they are pasted where this process was
// started.

// Arg is what a batch is called on a command line: its id, which stands for a live batch
// only while there is no test batch of its name.
func Arg(ctx context.Context, b bucket.Objects, id string) string {
	if !strings.Contains(id, "/") {
		if _, err := b.Stat(ctx, batch.SubmissionKey(batch.TestFolder+"/"+id)); err == nil {
			id = liveFolder + "/" + id
		}
	}
	return text.Quote(id)
}

// outFlag names the folder of the view, unless it is where runs go without a word.
func (v *View) outFlag() string {
	place := v.Bucket.Path("")
	if strings.Contains(place, "://") || v.Settings.Output == config.DefaultOutput && (isThere(config.DefaultOutput) || !isThere(place)) && bucket.SamePlace(place, config.DefaultOutput) {
		return ""
	}
	return "--out " + text.Quote(fromHere(place)) + " "
}

// isThere reports whether there is a folder: of one that is not, nothing tells it apart.
func isThere(folder string) bool {
	_, err := os.Stat(folder)
	return err == nil
}

// again is the command that makes what is missing, or goes on with what was picked; "" if
// nothing is missing and nothing waits.
func (v *View) again(ctx context.Context, r *BatchInfo, missing int) string {
	switch waits := r.Report != nil && r.Report.Counts.Waiting > 0; {
	case missing == 0 && !waits:
		return ""
	case r.local():
		return v.RunCommand(r.Submission)
	case missing == 0:
		return "enqueue resume " + Arg(ctx, v.Bucket, r.Batch)
	default:
		return "enqueue retry " + Arg(ctx, v.Bucket, r.Batch)
	}
}

// goesOnWith is the command with which a batch that nobody works on goes on; "" if nothing
// is left to do.
func (v *View) goesOnWith(ctx context.Context, r *BatchInfo, jobs *statusJobs) string {
	switch {
	case r.Submission == nil:
		return ""
	case r.Over():
		return v.again(ctx, r, jobs.Missing()-jobs.FailedBefore)
	case r.local():
		return v.RunCommand(r.Submission)
	default:
		return submitCommand(r.Submission)
	}
}

// RunCommand is the command that runs the manifest of a submission again.
func (v *View) RunCommand(o *batch.Submission) string {
	return "enqueue run " + v.outFlag() + manifestArgs(o)
}

// submitCommand is the command that submits the manifest of a submission again.
func submitCommand(o *batch.Submission) string { return "enqueue submit " + manifestArgs(o) }

func manifestArgs(o *batch.Submission) string {
	name := ""
	if o.Renamed {
		name = "--name " + text.Quote(o.Name) + " "
	}
	return name + text.Quote(fromHere(cmp.Or(o.File, o.Source.File, o.Manifest)))
}

// fromHere is a path as it is written in the working directory: relative to it, if it lies
// below.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	if below, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(below) {
		return below
	}
	return path
}

// bare are commands in a hint that do not say about what.
var bare = regexp.MustCompile(`enqueue (?:resolve|resume|cancel|plan)(?:[^ \w]|$)`)

// named lets the commands in a hint name their batch, or its manifest.
func (v *View) named(ctx context.Context, r *BatchInfo, hint string) string {
	return bare.ReplaceAllStringFunc(hint, func(command string) string {
		end := len(strings.TrimRight(command, ",;:.)"))
		arg := Arg(ctx, v.Bucket, r.Batch)
		switch verb := command[:end]; {
		case verb == "enqueue plan" && r.Submission != nil:
			arg = v.outFlag() + manifestArgs(r.Submission)
		case verb == "enqueue plan":
			return command
		case verb == "enqueue resolve":
			arg = v.outFlag() + arg
		}
		return command[:end] + " " + arg + command[end:]
	})
}
