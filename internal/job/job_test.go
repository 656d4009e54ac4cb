package job_test

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"testing"
	"time"

	"nightshift/internal/job"
)

func sampleInputs() job.Inputs {
	return job.Inputs{"prompt": "a fox", "width": json.Number("512"), "loras": []any{"one", "two"}}
}

// TestIdentifyIsFixed holds the identities of released versions: results in buckets
// are found by them, so that another identity would be paid for again.
func TestIdentifyIsFixed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		model   string
		inputs  job.Inputs
		outputs []string
		want    job.ID
	}{
		{"model_a", sampleInputs(), []string{"fox.{ext}"}, "2qvnb53f5chsfcnf"},
		{"", nil, nil, "yk5jwkzuygneurq2"},
		{"model_a", job.Inputs{"p": "<\u2028&>é"}, []string{"a", "b"}, "yf77fjyyyanffd3o"},
	} {
		t.Run(string(test.want), func(t *testing.T) {
			t.Parallel()
			if got := job.Identify(test.model, test.inputs, test.outputs); got != test.want {
				t.Errorf("Identify = %q, want %q", got, test.want)
			}
		})
	}
}

func TestIdentifyTellsEveryPartApart(t *testing.T) {
	t.Parallel()
	type content struct {
		model   string
		inputs  job.Inputs
		outputs []string
	}
	contents := []content{
		{"model_a", sampleInputs(), []string{"fox.{ext}"}},
		{"model_b", sampleInputs(), []string{"fox.{ext}"}},
		{"model_a", job.Inputs{}, []string{"fox.{ext}"}},
		{"model_a", nil, []string{"fox.{ext}"}},
		{"model_a", sampleInputs(), []string{"hare.{ext}"}},
		{"model_a", sampleInputs(), []string{"fox.{ext}", "hare.{ext}"}},
		{"model_a", sampleInputs(), []string{"hare.{ext}", "fox.{ext}"}},
		{"model_a", sampleInputs(), []string{"fox.{ext}hare.{ext}"}},
		{"model_a", sampleInputs(), nil},
		{"model_a", sampleInputs(), []string{""}},
		{"model_a", sampleInputs(), []string{"", ""}},
		{"model_a{}", nil, nil},
		{"model_a", job.Inputs{"a": "1"}, nil},
		{"model_a", job.Inputs{"a": json.Number("1")}, nil},
		{"model_a", job.Inputs{"a": true}, nil},
		{"model_a", job.Inputs{"a": "true"}, nil},
		{"model_a", job.Inputs{"a": nil}, nil},
		{"model_a", job.Inputs{"a": []any{"1"}}, nil},
		{"model_a", job.Inputs{"A": "1"}, nil},
		{"model_a", job.Inputs{"a": "1", "b": "2"}, nil},
		{"model_a", job.Inputs{"a": "2", "b": "1"}, nil},
	}
	for name, value := range map[string]any{"prompt": "a fox ", "width": json.Number("513"), "loras": []any{"two", "one"}, "seed": json.Number("1")} {
		inputs := sampleInputs()
		inputs[name] = value
		contents = append(contents, content{"model_a", inputs, []string{"fox.{ext}"}})
	}
	seen := map[job.ID]content{}
	for _, c := range contents {
		id := job.Identify(c.model, c.inputs, c.outputs)
		if other, ok := seen[id]; ok {
			t.Errorf("%+v and %+v have the one identity %s", other, c, id)
		}
		seen[id] = c
	}
}

func TestIdentifyIgnoresTheOrderOfMaps(t *testing.T) {
	t.Parallel()
	ids := map[job.ID]bool{}
	for turn := range 50 {
		inputs := job.Inputs{}
		for i := range 12 { // put in from another name on each time
			name := fmt.Sprintf("name%d", (i+turn)%12)
			inputs[name] = map[string]any{"x" + name: true, "y": []any{name}}
		}
		ids[job.Identify("model_a", inputs, []string{"a.png"})] = true
	}
	if len(ids) != 1 {
		t.Errorf("equal jobs have %d identities", len(ids))
	}
}

func TestIdentifyLooksLikeAnID(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z2-7]{16}$`)
	for i := range 200 {
		id := job.Identify(fmt.Sprint("model_", i), nil, nil)
		if !form.MatchString(string(id)) {
			t.Errorf("identity %q", id)
		}
	}
}

func TestDrawSeedStaysWithinBounds(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{0, 1, 2, 9, math.MaxInt32, 1<<53 - 1, math.MaxInt64} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			for i := range 2000 {
				if seed := job.DrawSeed("batch", job.ID(fmt.Sprint(i)), limit); seed < 0 || seed > limit {
					t.Fatalf("seed %d of job %d", seed, i)
				}
			}
		})
	}
}

// TestDrawSeedReachesBothEnds would miss an end with a chance of 1 in 10^90.
func TestDrawSeedReachesBothEnds(t *testing.T) {
	t.Parallel()
	counts := [4]int{}
	for i := range 1000 {
		counts[job.DrawSeed("batch", job.ID(fmt.Sprint(i)), 3)]++
	}
	for seed, count := range counts {
		if count < 150 || count > 350 {
			t.Errorf("seed %d was drawn %d times of 1000", seed, count)
		}
	}
}

// TestDrawSeedIsStable holds the seeds of released versions, by which an inference
// is recognised whose reply was lost.
func TestDrawSeedIsStable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		batch string
		id    job.ID
		want  int64
	}{
		{"icons", "aaaaaaaaaaaaaaaa", 36408705},
		{"icons", "aaaaaaaaaaaaaaab", 1061972857},
		{"icons2", "aaaaaaaaaaaaaaaa", 1802702701},
	} {
		t.Run(test.batch+" "+string(test.id), func(t *testing.T) {
			t.Parallel()
			if got := job.DrawSeed(test.batch, test.id, math.MaxInt32); got != test.want {
				t.Errorf("DrawSeed = %d, want %d", got, test.want)
			}
		})
	}
}

func TestPromptAndSeed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		job          job.Job
		prompt, seed string
	}{
		{"both", job.Job{PromptInput: "text", Inputs: job.Inputs{"text": "a fox", "seed": json.Number("7")}}, "a fox", "7"},
		{"seed as text", job.Job{PromptInput: "text", Inputs: job.Inputs{"seed": "7"}}, "", "7"},
		{"no prompt input", job.Job{Inputs: job.Inputs{"prompt": "a fox"}}, "", ""},
		{"other types", job.Job{PromptInput: "text", Inputs: job.Inputs{"text": []any{"a"}, "seed": nil}}, "", ""},
		{"nothing", job.Job{PromptInput: "text"}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if prompt, seed := test.job.Prompt(), test.job.Seed(); prompt != test.prompt || seed != test.seed {
				t.Errorf("prompt %q and seed %q, want %q and %q", prompt, seed, test.prompt, test.seed)
			}
		})
	}
}

// A result is of the submission that it names, whatever the clocks say; where it names none, the
// time decides.
func TestAResultIsOfItsSubmission(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		order string
		after time.Duration
		want  bool
	}{
		{"", 0, true}, {"", -time.Second, false},
		{"o2", -time.Hour, true}, {"o2", time.Hour, true},
		{"o1", -time.Hour, false}, {"o1", time.Hour, false},
	} {
		r := job.Result{Order: test.order, Recorded: began.Add(test.after)}
		if got := r.Of("o2", began); got != test.want {
			t.Errorf("a result of %q, recorded %s after the beginning, is of it: %t", test.order, test.after, got)
		}
	}
}
