// Package wait says to a person what a job waits for and what ends the wait. Its one
// table is what the live view, status, keys and the end of a run speak from.
package wait

import (
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// Words are what a reason to wait says.
type Words struct {
	// Says is what holds the job up.
	Says string
	// Do is what a person can do about it; "" where only time ends it.
	Do string
	// Person is set where nothing but a person ends the wait.
	Person bool
	// Until and Detail say whether a time and a detail add something: a detail does
	// not where it would only repeat the time, a time does not where something else
	// ends the wait.
	Until, Detail bool
}

const raiseCap = "raise the cap (NIGHTSHIFT_MAX_CU, or the keys file) or add a key"

var table = map[job.WaitReason]Words{
	job.WaitRequestRate: {Says: "request rate used up", Until: true},
	job.WaitParallel:    {Says: "waiting for a free slot", Detail: true},
	job.WaitKeyCU:       {Says: "the key's CU cap is reached", Do: raiseCap, Until: true, Detail: true},
	job.WaitProjectCU:   {Says: "the project's CU cap is reached", Do: raiseCap, Until: true, Detail: true},
	job.WaitTeamCU:      {Says: "the team's CU cap is reached", Do: raiseCap, Until: true, Detail: true},
	job.WaitBatchCU: {
		Says: "the batch's budget is reached", Do: "raise budget.cu in the manifest, or the cap of the batch in the keys file", Detail: true,
	},
	job.WaitCooldown: {Says: "API cooldown", Until: true},
	job.WaitAllowance: {
		Says: "the plan's allowance is used up", Do: "buy more CU, raise the key's own limit at the provider, or wait for the next billing period",
		Until: true, Detail: true,
	},
	job.WaitQuarantine: {
		Says: "the API refused the key or its secret", Do: "give a valid key in SCENARIO_API_KEY and SCENARIO_API_SECRET, or in the keys file",
		Person: true, Detail: true,
	},
	job.WaitBackoff:  {Says: "pausing after failures", Until: true, Detail: true},
	job.WaitUnknown:  {Says: "looking up requests with an unknown outcome", Until: true, Detail: true},
	job.WaitStorage:  {Says: "the bucket takes no images", Do: "check that it answers and has room", Until: true, Detail: true},
	job.WaitAsset:    {Says: "the provider shows no image of a run that succeeded", Do: "ask the provider if it lasts", Detail: true},
	job.WaitLinkHost: {Says: "the host of an image's link gives no whole image", Do: "ask the provider if it lasts", Detail: true},
	job.WaitAccess: {
		Says: "no API key may read what was paid for", Do: "give the key the scope, or add a key of the same project that has it",
		Person: true, Detail: true,
	},
	job.WaitWindow:   {Says: "outside the batch's window", Until: true, Detail: true},
	job.WaitDecision: {Says: "waiting for your decision", Do: "decide with enqueue resolve", Person: true, Detail: true},
	job.WaitNoKey: {
		Says: "no API key of the pool may run the job", Do: "add a key to the pool that may run the model", Person: true,
	},
	job.WaitRecovery: {Says: "rebuilding what Redis lost"},
	job.WaitStatus:   {Says: "the provider shows a status that is not known", Detail: true},
	job.WaitUpload:   {Says: "waiting for a picture to be uploaded", Until: true, Detail: true},
	job.WaitNeed:     {Says: "waiting for an image of another row", Detail: true},
	job.WaitPaused:   {Says: "the batch is paused", Do: "go on with enqueue resume", Person: true, Detail: true},
}

// Of returns the words of a reason. One that this version does not know, as a newer
// worker may send it, speaks for itself.
func Of(reason job.WaitReason) Words {
	if words, known := table[reason]; known {
		return words
	}
	return Words{Says: "waiting: " + text.Clean(strings.ReplaceAll(string(reason), "_", " "), text.Short), Until: true, Detail: true}
}

// Sentence says the reason with its detail, until when it holds, and what to do. The
// detail may be "" and the time zero.
func (w Words) Sentence(detail string, until time.Time) string {
	sentence := w.Says + text.Brackets(detail)
	if !until.IsZero() {
		sentence += ", until " + text.Moment(until)
	}
	if w.Do != "" {
		sentence += "; " + w.Do
	}
	return sentence
}

// Hint is what a person does to run a batch to its end that was blocked by the
// reason.
func (w Words) Hint() string {
	if w.Do == "" {
		return "run again when that has ended; what is made is kept"
	}
	return w.Do + ", then run again; what is made is kept"
}

// ForCU reports whether the reason is a cap of CU.
func ForCU(reason job.WaitReason) bool {
	switch reason {
	case job.WaitBatchCU, job.WaitKeyCU, job.WaitProjectCU, job.WaitTeamCU:
		return true
	default:
		return false
	}
}
