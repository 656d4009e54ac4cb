package job_test

import (
	"testing"

	"nightshift/internal/job"
)

// What a job takes is known by the assets that stand for its pictures, and by those that a
// person gave.
func TestTakes(t *testing.T) {
	t.Parallel()
	j := job.Job{
		Inputs:        job.Inputs{"prompt": "asset_other", "image": "sha256:ab", "referenceImages": []any{"asset_given", "job:x#0"}},
		PictureInputs: []string{"image", "referenceImages"},
		Assets:        map[string]string{"sha256:ab": "asset_sent", "job:x#0": "asset_made"},
	}
	for asset, want := range map[string]bool{"asset_sent": true, "asset_given": true, "asset_made": true, "asset_other": false, "asset_new": false} {
		if got := j.Takes(asset); got != want {
			t.Errorf("takes %s: %t, want %t", asset, got, want)
		}
	}
	if j.Inputs["image"] != "sha256:ab" {
		t.Errorf("the inputs are %v now", j.Inputs)
	}
}
