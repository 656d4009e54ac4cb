package job_test

import (
	"errors"
	"testing"

	"nightshift/internal/job"
)

func TestRefReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want job.Ref
	}{
		{"icons/abc", job.Ref{Batch: "icons", ID: "abc"}},
		{"test/icons/abc", job.Ref{Batch: "test/icons", ID: "abc"}},
		{"a b/é", job.Ref{Batch: "a b", ID: "é"}},
		{"icons//abc", job.Ref{Batch: "icons/", ID: "abc"}},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			got, err := job.ParseRef(test.text)
			if err != nil || got != test.want {
				t.Errorf("ParseRef(%q) = %+v, %v; want %+v", test.text, got, err, test.want)
			}
			if test.want.String() != test.text {
				t.Errorf("String = %q, want %q", test.want, test.text)
			}
		})
	}
}

func TestParseRefRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "/", "icons", "icons/", "/abc"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := job.ParseRef(text)
			if !errors.Is(err, job.ErrInvalid) || got != (job.Ref{}) {
				t.Errorf("ParseRef(%q) = %+v, %v; want an error of kind invalid", text, got, err)
			}
		})
	}
}
