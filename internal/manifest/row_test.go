package manifest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// firstRow returns the first row of the first of some files, by name and content.
func firstRow(t *testing.T, files ...[2]string) *Row {
	t.Helper()
	folder := t.TempDir()
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(folder, f[0]), []byte(f[1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Open(filepath.Join(folder, files[0][0]))
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range m.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	t.Fatal("no rows")
	return nil
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		row  *Row
		want map[string]string
	}{
		{"levels", firstRow(t, [2]string{"m.yaml", `version: 1
name: a
model: m
prompt: "{style}"
defaults: {samples: 2, parameters: {width: 512, height: 512}}
styles:
  ink: {text: ink, parameters: {guidance: 3, height: 640}}
axes: {product: {seed: [1], style: [ink]}}
items:
  - {id: x, parameters: {width: 640}}
`}), map[string]string{
			"model": "m.yaml:3:8", "prompt": "m.yaml:4:9", "samples": "m.yaml:5:21", "parameters.width": "m.yaml:10:33",
			"parameters.height": "m.yaml:7:54", "parameters.guidance": "m.yaml:7:43", "seed": "m.yaml:8:18",
			"parameters.seed": "m.yaml:8:18", "output": "m.yaml:10:5", "parameters.none": "m.yaml:10:5",
		}},
		{"line", firstRow(t, [2]string{"m.jsonl", "\n" + `{"id": "ä", "model": "m", "seed": 3, "parameters": {"width": 512}}`}), map[string]string{
			"model": "m.jsonl:2:22", "seed": "m.jsonl:2:35", "parameters.seed": "m.jsonl:2:35", "parameters.width": "m.jsonl:2:62",
			"prompt": "m.jsonl:2:1",
		}},
		{"table", firstRow(t, [2]string{"m.csv", "id,ö,model,parameters.width,seed,output\n\"x\",ää,m,512,3,\n"}), map[string]string{
			"model": "m.csv:2:8", "parameters.width": "m.csv:2:10", "seed": "m.csv:2:14", "parameters.seed": "m.csv:2:14",
			"output": "m.csv:2:1",
		}},
		{"no items", firstRow(t, [2]string{"m.yaml", "version: 1\nname: a\nmodel: m\nbudget:\n  cu: 5\n"}), map[string]string{
			"model": "m.yaml:3:8", "prompt": "m.yaml:4:1", "parameters.image": "m.yaml:4:1",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := map[string]string{}
			for name := range test.want {
				at := test.row.Places(name)
				at.File = filepath.Base(at.File)
				got[name] = at.String()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("places differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCellText(t *testing.T) {
	t.Parallel()
	row := firstRow(t, [2]string{"m.csv", "id,model,parameters.tag,parameters.none,tag2\nx,m,1.50,,y\n"})
	for name, want := range map[string]string{"tag": "1.50", "none": "", "tag2": "", "other": ""} {
		if got, found := row.CellText(name); got != want || found != (want != "") {
			t.Errorf("cell %s is %q, %v; want %q", name, got, found, want)
		}
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	all := OutputValues{N: 3, Ext: "png", Seed: "42", Hash8: "abcdefgh"}
	for _, test := range []struct {
		template string
		values   OutputValues
		want     string
		fails    bool
	}{
		{"a/{n}-{seed}-{hash8}.{ext}", all, "a/3-42-abcdefgh.png", false},
		{"a/{n}.{ext}", OutputValues{N: 1}, "a/1.{ext}", false},
		{"a.png", OutputValues{}, "a.png", false},
		{"{n}.png", OutputValues{}, "", true},
		{"{seed}.png", OutputValues{N: 1}, "", true},
		{"{hash8}.png", OutputValues{N: 1}, "", true},
	} {
		got, err := Template{text: test.template}.Expand(test.values)
		if got != test.want || (err != nil) != test.fails {
			t.Errorf("%s gives %q, %v; want %q", test.template, got, err, test.want)
		}
	}
	if used := (Template{text: "{n}.{ext}"}); !used.Uses("n") || used.Uses("seed") {
		t.Error("{n}.{ext} uses n and not seed")
	}
}

func TestShuffled(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 5, 16, 17, 1000} {
		all := slices.Collect(shuffled(n, 7))
		if again := slices.Collect(shuffled(n, 7)); !slices.Equal(all, again) {
			t.Errorf("%d numbers come in another order the second time", n)
		}
		if n > 15 && slices.Equal(all, slices.Collect(shuffled(n, 8))) {
			t.Errorf("%d numbers come in the same order for another key", n)
		}
		if n > 15 && slices.IsSorted(all) {
			t.Errorf("%d numbers are not shuffled", n)
		}
		slices.Sort(all)
		for i, value := range all {
			if i != value {
				t.Fatalf("of %d numbers, %d stands in the place of %d", n, value, i)
			}
		}
		if len(all) != n {
			t.Errorf("%d numbers instead of %d", len(all), n)
		}
	}
}
