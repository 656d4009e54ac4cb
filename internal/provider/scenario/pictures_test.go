package scenario

import (
	"testing"

	"nightshift/internal/job"
)

// TestRunsOfOtherPictures tells steps apart that differ by their picture alone.
func TestRunsOfOtherPictures(t *testing.T) {
	t.Parallel()
	plan := job.Picture{Job: "aaaaaaaaaaaaaaaa"}.String()
	list := func(assets ...any) any { return assets }
	tests := map[string]struct {
		shown, sent any
		want        bool
	}{
		"the same":                   {"asset_1", "asset_1", false},
		"another":                    {"asset_2", "asset_1", true},
		"none is shown":              {nil, "asset_1", false},
		"what was sent is not known": {"asset_2", plan, false},
		"the same list":              {list("asset_1", "asset_1"), list("asset_1", "asset_1"), false},
		"another in a list":          {list("asset_1", "asset_1"), list("asset_1", "asset_2"), true},
		"not known in a list":        {list("asset_1", "asset_2"), list("asset_1", plan), false},
		"a list of another length":   {list("asset_1"), list("asset_1", "asset_2"), false},
	}
	for name, test := range tests {
		run := &job.Inference{Model: "model_x", Inputs: job.Inputs{"image": test.shown}}
		request := &job.Request{Model: "model_x", Inputs: job.Inputs{"image": test.sent}, PictureInputs: []string{"image"}}
		if got := differs(run, request); got != test.want {
			t.Errorf("%s: differs %t, want %t", name, got, test.want)
		}
	}
}
