package scenario

import (
	"testing"

	"nightshift/internal/job"
)

func TestMayPass(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		status        job.RunStatus
		failure, hint string
		want          bool
	}{
		{"no words at all", job.RunFailed, "", "", true},
		{"provider's fault", job.RunFailed, "Internal error", "", true},
		{"only the hint says so", job.RunFailed, "No image came back", "Please try again later", true},
		{"canceled by the provider", job.RunCanceled, "", "", true},
		{"moderation", job.RunFailed, "Stopped by content moderation", "", false},
		{"moderation that says try again", job.RunFailed, "The request violates a policy", "Change it and try again", false},
		{"intellectual property", job.RunFailed, "Risk for intellectual-property rights", "", false},
		{"a size that the model does not make", job.RunFailed, "The minimum is 655360 pixels", "", false},
		{"words never seen", job.RunFailed, "Quux", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := mayPass(&job.Inference{Status: test.status, Failure: test.failure, Hint: test.hint})
			if got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
