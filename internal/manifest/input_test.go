package manifest

import (
	"os"
	"strings"
	"testing"
)

// TestInput reads manifests of every format as they come through a pipe.
func TestInput(t *testing.T) {
	t.Parallel()
	const header = "version: 1\nname: n\nmodel: m\nitems: [{id: a, prompt: x}]\n"
	for name, c := range map[string]struct{ input, format, path string }{
		"yaml":               {header, "", "standard-input.yaml"},
		"yaml after remarks": {"# nightly\n\n" + header, "", "standard-input.yaml"},
		"yaml of documents":  {"---\n" + header, "", "standard-input.yaml"},
		"yaml with a list":   {"items:\n- {id: a, prompt: x}\nname: n\nversion: 1\nmodel: m\n", "", "standard-input.yaml"},
		"json":               {`{"version": 1, "name": "n", "model": "m", "items": [{"id": "a", "prompt": "x"}]}`, "", "standard-input.json"},
		"json over lines":    {"{\n \"version\": 1, \"name\": \"n\", \"model\": \"m\",\n \"items\": [{\"id\": \"a\", \"prompt\": \"x\"}]}", "", "standard-input.json"},
		"jsonl":              {`{"id": "a", "model": "m", "prompt": "x: y, z"}` + "\n", "", "standard-input.jsonl"},
		"csv":                {"id,model,prompt\na,m,\"x: y\"\n", "", "standard-input.csv"},
		"csv with a mark":    {"\ufeffid,model,prompt\na,m,x\n", "", "standard-input.csv"},
		"tsv":                {"id\tmodel\tprompt\na\tm\tx\n", "", "standard-input.tsv"},
		"utf-16":             {"\xff\xfei\x00d\x00,\x00m\x00o\x00d\x00e\x00l\x00,\x00p\x00r\x00o\x00m\x00p\x00t\x00\n\x00a\x00,\x00m\x00,\x00x\x00\n\x00", "", "standard-input.csv"},
		"as it is said":      {"prompt,model,id\nx,m,a\n", "CSV", "standard-input.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, remove, err := OpenInput(strings.NewReader(c.input), c.format)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = remove() }()
			if m.Path != c.path {
				t.Errorf("read as %s, want %s", m.Path, c.path)
			}
			rows := 0
			for row, err := range m.Rows() {
				if err != nil || row.ID != "a" || row.Model != "m" {
					t.Errorf("row %+v, %v", row, err)
				}
				rows++
			}
			if rows != 1 {
				t.Errorf("%d rows", rows)
			}
		})
	}
}

// TestInputRefused has what cannot be read named as the standard input, and leaves no file.
func TestInputRefused(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	for name, c := range map[string]struct{ input, format, want string }{
		"empty":          {"", "", "the standard input is empty"},
		"another format": {"id\n", "xlsx", `"xlsx" is no format of a manifest`},
		"a spreadsheet":  {"PK\x03\x04...", "", "standard-input is a spreadsheet"},
		"wrong":          {"version: 1\nname: n\nmodel: m\nitems: [{id: a, prompt: x}]\nunknwon: 1\n", "", "standard-input.yaml:5"},
	} {
		_, remove, err := OpenInput(strings.NewReader(c.input), c.format)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := remove(); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
