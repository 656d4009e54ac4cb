package progress

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

const (
	mostReasons = 5 // of failures; the rest is summed up
	mostRows    = 3 // named with each
)

func (s *Summary) text(p *page) {
	p.line(s.verdict())
	p.blank()
	if s.Outcome == Blocked || s.Outcome == Cancelled && s.Reason != "" {
		p.field("reason", yellow, cmp.Or(text.Clean(s.Reason, text.Long), noReason))
	}
	p.field("jobs", plain, s.jobs())
	for _, group := range s.Failures[:min(len(s.Failures), mostReasons)] {
		p.field("failed", plain, failedWords(group))
	}
	p.field("", plain, s.moreFailures())
	p.field("", plain, s.failedBefore())
	for _, group := range s.ImageWarnings[:min(len(s.ImageWarnings), mostReasons)] {
		p.field("warned", yellow, warnedWords(group))
	}
	if more := len(s.ImageWarnings) - mostReasons; more > 0 {
		p.field("", plain, "and "+text.Count(more, "more warning"))
	}
	p.field("cost", plain, s.bill())
	p.field("picks", plain, PickWords(s.Picks))
	p.field("requests", plain, s.requests())
	p.place("images", s.Folder)
	p.place("sheet", s.Sheet)
	p.place("", s.sheetLink())
	if s.Jobs.Failed > 0 {
		p.place("errors", s.Errors)
	}
	p.field("remote", yellow, s.remote())
	p.next(s.advice(), s.Again)
}

// verdict is the first line: what came of the run.
func (s *Summary) verdict() (paint, string) {
	name := text.Clean(s.Batch, text.Short)
	after := ""
	if s.Took > 0 {
		after = " after " + text.Span(s.Took)
	}
	made := text.Count(s.Images, "image") + " made"
	if s.Warned > 0 {
		made += ", " + text.Number(s.Warned) + " of them with a warning"
	}
	switch {
	case s.Outcome == Interrupted:
		return yellow, name + " interrupted" + after + ": " + made
	case s.Outcome == Blocked:
		return yellow, name + " blocked" + after + ": " + made
	case s.Outcome == Cancelled:
		return yellow, name + " cancelled" + after + ": " + made
	case s.Jobs.Failed > 0:
		return red, fmt.Sprintf("%s ended%s: %s, %s failed", name, after, made, text.Count(s.Jobs.Failed, "job"))
	case s.Jobs.FailedBefore > 0:
		return red, fmt.Sprintf("%s ended%s: %s, %s failed before", name, after, made, text.Count(s.Jobs.FailedBefore, "job"))
	case s.Jobs.Succeeded == 0 && s.Jobs.Kept > 0 && s.Jobs.Kept == s.Jobs.Total:
		return green, fmt.Sprintf("%s is complete: nothing to run, %s from before", name, text.Count(s.Jobs.Kept, "job"))
	case s.Jobs.Waiting > 0:
		return green, name + ": " + made + after + ", and " + WaitForPick(s.Jobs.Waiting)
	default:
		return green, name + " is complete" + after + ": " + made
	}
}

// WaitForPick says how many jobs wait until a person has picked what they are made of.
func WaitForPick(jobs int) string { return waitFor(jobs, "a pick") }

// WaitForImage says how many jobs wait until another one has made what they take.
func WaitForImage(jobs int) string { return waitFor(jobs, "an image of another row") }

func waitFor(jobs int, what string) string {
	verb := "wait"
	if jobs == 1 {
		verb = "waits"
	}
	return text.Count(jobs, "job") + " " + verb + " for " + what
}

// jobs counts how they ended.
func (s *Summary) jobs() string {
	parts := []string{text.Number(s.Jobs.Succeeded) + " made"}
	for _, count := range []struct {
		n    int
		what string
	}{{s.Jobs.Kept, "kept from before"}, {s.Jobs.Failed, "failed"}, {s.Jobs.FailedBefore, "failed before"}, {s.Jobs.Cancelled, "cancelled"}, {s.Jobs.NotRun, "not run"}, {s.Jobs.Waiting, "waiting for a pick"}} {
		if count.n > 0 {
			parts = append(parts, text.Number(count.n)+" "+count.what)
		}
	}
	return strings.Join(parts, ", ") + ", of " + text.Number(s.Jobs.Total)
}

// failedWords says why jobs failed, what to do, and names some of them.
func failedWords(group job.FailureGroup) string {
	return text.Number(group.Jobs) + " × " + reasonOf(group.Reason, group.Kind, group.Hint) + someRows(group.Rows, group.Jobs)
}

// warnedWords says what is wrong with images, and names some of them.
func warnedWords(group job.WarningGroup) string {
	return text.Number(group.Images) + " × " + text.Clean(group.Warning, text.Long) + someRows(group.Rows, group.Images)
}

// someRows names the first of so many rows.
func someRows(named []string, count int) string {
	if len(named) == 0 {
		return ""
	}
	rows := make([]string, 0, mostRows)
	for _, row := range named[:min(len(named), mostRows)] {
		rows = append(rows, text.Clean(row, text.Short))
	}
	line := ": " + strings.Join(rows, ", ")
	if more := count - len(rows); more > 0 {
		line += " and " + text.Number(more) + " more"
	}
	return line
}

func (s *Summary) moreFailures() string {
	if more := len(s.Failures) - mostReasons; more > 0 {
		return "and " + text.Count(more, "more reason")
	}
	return ""
}

// failedBefore says of which jobs the same is not bought again.
func (s *Summary) failedBefore() string {
	if s.Jobs.FailedBefore == 0 {
		return ""
	}
	return fmt.Sprintf("%s failed before, %s CU so far; not run again",
		text.Count(s.Jobs.FailedBefore, "job"), amount(s.CU.FailedBefore))
}

func (s *Summary) bill() string {
	text := amount(s.net()) + " CU"
	if s.CU.Refunded != 0 {
		text += fmt.Sprintf(" (%s billed, %s refunded)", amount(s.CU.Billed), amount(s.CU.Refunded))
	}
	if s.CU.Spent > s.net() {
		text += ", " + amount(s.CU.Spent) + " in all runs"
	}
	if s.CU.Cap != nil {
		text += ", budget " + amount(*s.CU.Cap)
	}
	return text
}

func (s *Summary) requests() string {
	if s.Requests == 0 {
		return ""
	}
	line := text.Number(int(s.Requests))
	if per := s.perJob(); per > 0 {
		line += " (" + strconv.FormatFloat(per, 'f', -1, 64) + " per job)"
	}
	return line
}

// remote says what goes on without us.
func (s *Summary) remote() string {
	if s.Remote.Inferences == 0 {
		return ""
	}
	verb, them := "go on", "them, they are not paid twice"
	if s.Remote.Gone {
		return fmt.Sprintf("%s (%s CU) ran on the built-in simulator and ended with it",
			text.Count(s.Remote.Inferences, "inference"), amount(s.Remote.CU))
	}
	if s.Remote.Inferences == 1 {
		verb, them = "goes on", "it, it is not paid twice"
	}
	return fmt.Sprintf("%s (%s CU) %s at the provider; run the same command again to collect %s",
		text.Count(s.Remote.Inferences, "inference"), amount(s.Remote.CU), verb, them)
}

// advice is what a person can do next, "" if nothing is left to do.
func (s *Summary) advice() string {
	switch {
	case s.Hint != "":
		return text.Clean(s.Hint, text.Long)
	case s.Jobs.Failed > 0:
		if s.Fleet {
			return "correct the failed rows and submit the manifest again; to try the same again:"
		}
		return "correct the failed rows and run again; only jobs without images are sent"
	case s.Jobs.FailedBefore > 0:
		return "change the rows that were refused, or run the same again with --retry-refused, which is paid again"
	case s.Jobs.NotRun > 0 || s.Remote.Inferences > 0:
		return "run again to go on from here"
	case s.Jobs.Waiting > 0:
		return "pick images in the contact sheet, or with enqueue pick " + text.Quote(s.Batch) + " ROW…, then go on with:"
	default:
		return ""
	}
}
