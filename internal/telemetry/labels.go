package telemetry

import (
	"slices"
	"strings"

	"nightshift/internal/job"
)

// other stands for every value that is not in the closed list of its label.
const other = "other"

// The values of the labels that are no words of another package.
const (
	SubmissionAccepted = "accepted" // the provider named a run
	SubmissionRefused  = "refused"  // nothing was started
	SubmissionLost     = "lost"     // nobody knows yet

	BatchActive     = "active"
	BatchPaused     = "paused"
	BatchBlocked    = "blocked" // until a person acts
	BatchCancelling = "cancelling"

	billed   = "billed"
	refunded = "refunded"
)

var (
	endStates   = []string{string(job.Succeeded), string(job.Failed)}
	laneStates  = texts([]job.State{job.Queued, job.Sending, job.Running, job.Unknown, job.Storing})
	waitReasons = texts(job.WaitReasons)
	outcomes    = []string{SubmissionAccepted, SubmissionRefused, SubmissionLost}
	batchStates = []string{BatchActive, BatchPaused, BatchBlocked, BatchCancelling}
	capScopes   = []string{"key", "project", "team", "batch"}
	capPeriods  = []string{"total", "day", "month"}
)

func texts[T ~string](words []T) []string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = string(word)
	}
	return all
}

// closed is value, or other where the list does not have it.
func closed(value string, list []string) string {
	if slices.Contains(list, value) {
		return value
	}
	return other
}

// named is a name of the keys file as a label; it is never refused.
func named(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }
