package batch

import (
	"fmt"
	"os"
	"path/filepath"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// Source is where the jobs of a batch come from. A batch belongs to one: another one of the
// same name would replace its jobs and images.
type Source struct {
	// File is the absolute path of a manifest that states no name: its batch is named after
	// the file, and files of one name may lie in many folders.
	File string `json:"file,omitempty"`
	// Name is the stated name, wherever the manifest lies.
	Name string `json:"name,omitempty"`
}

// SourceOf is the source of a manifest.
func SourceOf(m *manifest.Manifest) (Source, error) {
	if m.Named {
		return Source{Name: m.Name}, nil
	}
	file, err := filepath.Abs(m.Path)
	if err != nil {
		return Source{}, fmt.Errorf("find the folder of %s: %w", m.Path, err)
	}
	return Source{File: file}, nil
}

// Same reports whether both are one source. A batch of before, of which none is known,
// belongs to any.
func (s Source) Same(other Source) bool {
	if s == other || s == (Source{}) || other == (Source{}) {
		return true
	}
	if s.File == "" || other.File == "" {
		return false
	}
	one, err := os.Stat(s.File)
	if err != nil {
		return false // it is gone, or on another machine
	}
	two, err := os.Stat(other.File)
	return err == nil && os.SameFile(one, two)
}

// String names it to a person.
func (s Source) String() string {
	if s.File != "" {
		return s.File
	}
	return fmt.Sprintf("manifests that state the name %q", s.Name)
}

// Check refuses a batch to another source than the one that it belongs to, with the two
// ways out.
func (s Source) Check(batch string, wanted Source) error {
	if s.Same(wanted) {
		return nil
	}
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("batch %s belongs to %s; %s would replace its jobs and images", batch, s, wanted),
		Hint: "give this one a batch of its own with --name NAME, or take the batch over with --replace: what both have in common is kept, " +
			"the rest is made anew",
	}}
}
