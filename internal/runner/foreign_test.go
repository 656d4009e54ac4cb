package runner

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
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

// heldPictures are assets that the provider has.
type heldPictures struct {
	Pictures
	held map[string]bool
	err  error
}

func (p heldPictures) There(_ context.Context, _, asset string, _ provider.Requests) (bool, error) {
	return p.held[asset], p.err
}

// TestRefusalsForAPicture believes that a picture is not there only where it is not: a request
// that was accepted behind such a refusal would be paid again with each try.
func TestRefusalsForAPicture(t *testing.T) {
	t.Parallel()
	gone := &job.AssetGoneError{Asset: "asset_1", Err: errors.New("Asset asset_1 not found")}
	tests := map[string]struct {
		cause    error
		pictures heldPictures
		doubted  bool
	}{
		"it is there":         {gone, heldPictures{held: map[string]bool{"asset_1": true}}, true},
		"it is not there":     {gone, heldPictures{}, false},
		"nobody can tell":     {gone, heldPictures{err: errors.New("the API answered 502")}, true},
		"for another refusal": {job.ErrInvalid, heldPictures{held: map[string]bool{"asset_1": true}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := New(Options{Pictures: test.pictures, Logger: slog.New(slog.DiscardHandler)})
			rec := &job.Record{Ref: job.Ref{Batch: "icons", ID: "aaaaaaaaaaaaaaaa"}}
			if got := r.assetIsThere(t.Context(), rec, test.cause); got != test.doubted {
				t.Errorf("doubted %t, want %t", got, test.doubted)
			}
			for range goneMost {
				r.assetIsThere(t.Context(), rec, test.cause)
			}
			if r.assetIsThere(t.Context(), rec, test.cause) {
				t.Error("it is doubted without end")
			}
		})
	}
}
