package scenario

import (
	"testing"

	"nightshift/internal/job"
	"nightshift/internal/provider"
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

// TestReceiptsThatFitStay takes no run from a job whose receipt named one that is its own: of
// two that ask for the same only the other can lack it.
func TestReceiptsThatFitStay(t *testing.T) {
	t.Parallel()
	request := func(picture string) job.Request {
		return job.Request{Model: "model_cut", Inputs: job.Inputs{"image": picture}, PictureInputs: []string{"image"}}
	}
	run := func(id, picture string) job.Inference {
		return job.Inference{ID: id, Model: "model_cut", Inputs: job.Inputs{"image": picture}}
	}
	// The first has the run of b, of which the second has one, too, and the third has that of a.
	runs := []provider.Run{{ID: "job_1", Request: request("asset_a")}, {ID: "job_2", Request: request("asset_b")}, {ID: "job_3", Request: request("asset_b")}}
	for range 20 { // of maps, any is first
		seen := new(Client).askedBy([]job.Inference{run("job_1", "asset_b"), run("job_2", "asset_b"), run("job_3", "asset_a")}, runs)
		if seen[0].AskedBy != "job_3" || seen[2].AskedBy != "job_1" || seen[1].Foreign {
			t.Fatalf("asked for by %q and %q, the second is foreign: %t", seen[0].AskedBy, seen[2].AskedBy, seen[1].Foreign)
		}
	}
}
