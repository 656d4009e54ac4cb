package runner

import (
	"testing"
	"time"

	"nightshift/internal/job"
)

// knownKeys are API keys of which it is known what the provider calls them.
type knownKeys struct {
	APIKeys
	names []string
	since time.Time
}

func (k knownKeys) ProviderKeyIDs(string) ([]string, time.Time) { return k.names, k.since }

// TestRunsOfOthers holds which runs a receipt cannot have named for a job: those of another
// model, and those that another API key has started.
func TestRunsOfOthers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	tests := map[string]struct {
		run   job.Inference
		names []string
		since time.Time
		want  bool
	}{
		"its own":                           {run: job.Inference{Model: "model_a", ProviderKeyID: "user_1"}, names: []string{"user_1"}},
		"another model":                     {run: job.Inference{Model: "model_b", ProviderKeyID: "user_1"}, names: []string{"user_1"}, want: true},
		"another key":                       {run: job.Inference{Model: "model_a", ProviderKeyID: "user_2"}, names: []string{"user_1"}, want: true},
		"no model is shown":                 {run: job.Inference{ProviderKeyID: "user_1"}, names: []string{"user_1"}},
		"no author is shown":                {run: job.Inference{Model: "model_a"}, names: []string{"user_1"}},
		"the key's name is not known":       {run: job.Inference{Model: "model_a", ProviderKeyID: "user_2"}},
		"the key had another name, perhaps": {run: job.Inference{Model: "model_a", ProviderKeyID: "user_2"}, names: []string{"user_1"}, since: now.Add(time.Minute)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &watcher{Runner: &Runner{Options: Options{APIKeys: knownKeys{names: test.names, since: test.since}}}}
			rec := &job.Record{Job: job.Job{Model: "model_a"}, Intent: now}
			if got := w.anothers(rec, &test.run); got != test.want {
				t.Errorf("another's: %t, want %t", got, test.want)
			}
		})
	}
}
