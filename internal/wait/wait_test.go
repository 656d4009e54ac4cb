package wait

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// TestEveryReasonHasWords holds the table against the reasons that there are.
func TestEveryReasonHasWords(t *testing.T) {
	t.Parallel()
	for _, reason := range job.WaitReasons {
		words, there := table[reason]
		if !there || words.Says == "" {
			t.Errorf("%s has no words", reason)
		}
		if words.Person && words.Do == "" {
			t.Errorf("%s needs a person and does not say what to do", reason)
		}
		if words.Person && words.Until {
			t.Errorf("%s needs a person, and yet a time ends it", reason)
		}
		if ForCU(reason) != strings.HasPrefix(string(reason), "cu_") {
			t.Errorf("%s is for CU: %t", reason, ForCU(reason))
		}
	}
	for reason := range table {
		if !slices.Contains(job.WaitReasons, reason) {
			t.Errorf("%s is no reason", reason)
		}
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		reason job.WaitReason
		detail string
		until  time.Time
		want   string
	}{
		{job.WaitCooldown, "", time.Time{}, "API cooldown"},
		{job.WaitStorage, "disk full", time.Time{}, "the bucket takes no images (disk full); check that it answers and has room"},
		{job.WaitWindow, "it is 22:00-06:00 UTC", at, "outside the batch's window (it is 22:00-06:00 UTC), until " + text.Moment(at)},
		{"night_\x1b[2Jshift", "", time.Time{}, "waiting: night shift"},
	} {
		if got := Of(test.reason).Sentence(test.detail, test.until); got != test.want {
			t.Errorf("%s says %q, want %q", test.reason, got, test.want)
		}
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	for reason, want := range map[job.WaitReason]string{
		job.WaitDecision: "decide with enqueue resolve, then run again; what is made is kept",
		job.WaitBackoff:  "run again when that has ended; what is made is kept",
	} {
		if got := Of(reason).Hint(); got != want {
			t.Errorf("the hint of %s is %q, want %q", reason, got, want)
		}
	}
}
