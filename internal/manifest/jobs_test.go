package manifest

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

// TestJobs reads every file of jobs and counts what it says that it makes.
func TestJobs(t *testing.T) {
	t.Parallel()
	type counts struct {
		Name         string
		Mode         job.Mode
		Rows, Images int
		Suspects     int
	}
	want := []counts{
		{"harbor-characters", job.Test, 7, 7, 0},
		{"icon-set", job.Test, 24, 24, 0},
		{"inventory-icons", job.Test, 33, 38, 0},
		{"products", job.Test, 24, 24, 0},
		{"quickstart", job.Test, 12, 12, 0},
		{"storyboard-harbor", job.Test, 6, 20, 0},
	}
	var got []counts
	for _, path := range jobManifests(t) {
		m, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		names, count := NewNames(), counts{Name: m.Name, Mode: m.Mode}
		for row, err := range m.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			count.Rows++
			if len(row.Warnings) > 0 || len(row.Unused) > 0 || m.Warnings.Len() > 0 {
				t.Errorf("%s warns: %v %v %v", row.Place, row.Warnings, row.Unused, m.Warnings.List)
			}
			for n := range max(row.Samples, 1) {
				name, err := row.Output.Expand(OutputValues{N: n + 1})
				if err != nil {
					t.Fatal(err)
				}
				names.Add(name)
				count.Images++
			}
		}
		count.Suspects = names.Suspects()
		got = append(got, count)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs differ (-want +got):\n%s", diff)
	}
}

// TestRowsAgain iterates a manifest twice.
func TestRowsAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(jobsFolder, "products.yaml")
	if diff := cmp.Diff(describe(path), describe(path)); diff != "" {
		t.Errorf("a second reading differs (-first +second):\n%s", diff)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	first, second := ids(t, m), ids(t, m)
	if diff := cmp.Diff(first, second); diff != "" || len(first) == 0 {
		t.Errorf("a second pass differs (-first +second):\n%s", diff)
	}
}

// ids are those of the rows of a manifest in which nothing is wrong.
func ids(t *testing.T, m *Manifest) []string {
	t.Helper()
	var ids []string
	for row, err := range m.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, row.ID)
	}
	return ids
}
