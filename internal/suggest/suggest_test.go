package suggest_test

import (
	"strings"
	"testing"

	"nightshift/internal/suggest"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"secret", "project", "parallel", "id", "timezone"}
	for name, want := range map[string]string{
		"secrte": "secret", "SECRET": "secret", "projects": "project", "paralel": "parallel", "timezoen": "timezone", "ids": "id",
		"colour": "", "": "", strings.Repeat("secret", 12): "",
	} {
		if got := suggest.Nearest(name, known); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	known := []string{"prompt", "output", "samples", "seed", "a"}
	for name, want := range map[string]string{
		"promt": "did you mean {prompt}?", "Prompt": "did you mean {prompt}?", "outptu": "did you mean {output}?",
		"sample": "did you mean {samples}?", "zzzz": "", "": "", "x": "",
	} {
		if got := suggest.DidYouMean(name, known, "{%}"); got != want {
			t.Errorf("%q gives %q, want %q", name, got, want)
		}
	}
}

func TestOneOf(t *testing.T) {
	t.Parallel()
	many := strings.Fields("secret project parallel timezone output samples version budget priority window exclude")
	for _, test := range []struct {
		written string
		words   []string
		want    string
	}{
		{"lvie", []string{"test", "live"}, "did you mean live?"},
		{"zzzzz", []string{"test", "live"}, "write test or live"},
		{"zzzzz", []string{"product", "zip", "sample"}, "write product, zip or sample"},
		{"zzzzz", []string{"cu"}, "write cu"},
		{"zzzzz", many, ""},
		{"sampels", many, "did you mean samples?"},
	} {
		if got := suggest.OneOf(test.written, test.words); got != test.want {
			t.Errorf("%q among %q gives %q, want %q", test.written, test.words, got, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"team", "team", 0}, {"", "abc", 3}, {"team", "tema", 1}, {"team", "teams", 1}, {"team", "tam", 1}, {"team", "beam", 1},
		{"kitten", "sitting", 3}, {strings.Repeat("a", 65), strings.Repeat("a", 65), 64},
	} {
		if got := suggest.Distance(test.a, test.b); got != test.want {
			t.Errorf("from %q to %q are %d changes, want %d", test.a, test.b, got, test.want)
		}
		if got := suggest.Distance(test.b, test.a); got != test.want {
			t.Errorf("from %q to %q are %d changes, want %d", test.b, test.a, got, test.want)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"numInferenceSteps": "numinferencesteps", "num_inference-steps": "numinferencesteps", "Num Inference\tSteps": "numinferencesteps", "": "", "_": "", "Größe": "größe",
	} {
		if got := suggest.Fold(name); got != want {
			t.Errorf("%q folds to %q, want %q", name, got, want)
		}
	}
}
