package scenario

import (
	"slices"
	"strings"

	"nightshift/internal/job"
)

// The API has no code for why an inference failed, only words. These are looked
// for in its error and hint. Refusals are looked for first: buying a refused
// request again is at best useless and at worst charged. Words of neither list
// count as a refusal, too.
var (
	refusalWords = []string{
		"policy", "policies", "moderat", "safety", "nsfw", "prohibited", "violat", "flagged", "sensitive",
		"intellectual", "copyright", "not allowed", "refused", "blocked",
		"pixel", "resolution", "invalid", "unsupported", "not supported", "must be", "too large", "too small", "too long",
	}
	passingWords = []string{
		"again", "temporar", "timeout", "timed out", "time out", "unavailable", "overload", "capacity", "busy",
		"internal", "server error", "unexpected", "network", "connection", "crash", "out of memory",
		"failed to produce", "failed to generate",
	}
)

// mayPass reports whether an inference failed for a fault that may pass, so that
// the same request may be sent again. Nobody but the provider cancels inferences,
// so a canceled one may.
func mayPass(run *job.Inference) bool {
	words := strings.ToLower(run.Failure + " " + run.Hint)
	found := func(word string) bool { return strings.Contains(words, word) }
	switch {
	case slices.ContainsFunc(refusalWords, found):
		return false
	case run.Status == job.RunCanceled:
		return true
	default:
		return strings.TrimSpace(words) == "" || slices.ContainsFunc(passingWords, found)
	}
}
