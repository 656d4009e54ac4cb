package manifest

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"nightshift/internal/document"
)

const head = "version: 1\nname: a\nmodel: m\n"

// TestRobust reads contents that do not fit a golden file.
func TestRobust(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", document.MaxText+1)
	for _, test := range []struct{ name, file, content, want string }{
		{"bom yaml", "m.yaml", bom + head, "m.yaml:1:1: a\n"},
		{"bom json", "m.json", bom + `{"version": 1, "name": "a", "model": "m"}`, "m.json:1:1: a\n"},
		{"bom jsonl", "m.jsonl", bom + `{"id": "a", "model": "m"}`, "m.jsonl:1:1: a\n"},
		{"bom csv", "m.csv", bom + "id,model\na,m\n", "m.csv:2:1: a\n"},
		{"crlf yaml", "m.yaml", strings.ReplaceAll(head+"prompt: x\n", "\n", "\r\n"), `prompt "x"` + "\n"},
		{"crlf jsonl", "m.jsonl", "{\"id\": \"a\", \"model\": \"m\"}\r\n\r\n{\"id\": \"b\", \"model\": \"m\"}\r\n", "m.jsonl:3:1: b\n"},
		{"crlf csv", "m.csv", "id,model\r\na,m\r\n", "model m\n"},
		{"no last line end", "m.csv", "id,model\na,m", "model m\n"},
		{"utf-16", "m.csv", utf16LE("\ufeffid,model,prompt\na,m,café 薬\n"), "prompt \"café 薬\"\n"},
		{"utf-16 big end first", "m.yaml", utf16BE("\ufeff" + head + "prompt: café\n"), "prompt \"café\"\n"},
		{"utf-16 without a mark", "m.jsonl", utf16LE("{\"id\": \"a\", \"model\": \"m\"}\n"), "m.jsonl:1:1: a\n"},
		{"a spreadsheet by another name", "m.csv", "PK\x03\x04\x14\x00", "error m.csv is a spreadsheet or an archive, whatever its name says"},
		{"a compressed file by another name", "m.jsonl", "\x1f\x8b\x08", "error m.jsonl is compressed, whatever its name says"},
		{"a key by another name", "m.csv", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n", "error m.csv is a key or a certificate, whatever its name says\n"},
		{"a web page by another name", "m.yaml", "<!doctype html><html>", "error m.yaml is a web page, whatever its name says"},
		{"windows-1252", "m.csv", "id,model\ncaf\xe9,m\n", "m.csv:2:1: the cell is not valid UTF-8, but perhaps Windows-1252; save the file as UTF-8, in Excel as \"CSV UTF-8\""},
		{"empty columns at the end", "m.csv", "id,model,,\na,m,,\nb,m\nc,m,,,,\nd,m,x,\n", "m.csv:3:1: b\n"},
		{"a cell without a column", "m.csv", "id,model,,\na,m,x,\n", "m.csv:2:5: the cell stands in a column without a name; give the column a name, or empty it"},
		{"an empty column in between", "m.csv", "id,,model\na,,m\n", "m.csv:1:4: a column has no name"},
		{"sep of semicolons", "m.csv", "sep=;\nid;model;prompt\na;m;a fox, red\n", "m.csv:3:1: a\n  model m\n  prompt \"a fox, red\"\n"},
		{"sep of commas", "m.csv", "sep=,\r\nid,model\r\na,m\r\n", "m.csv:3:1: a\n"},
		{"pipes", "m.csv", "id|model\na|m\n", "m.csv:1:1: the cells are separated by pipes; separate them by commas, or write sep=| as the first line"},
		{"tabs", "m.csv", "id\tmodel\na\tm\n", "m.csv:1:1: the cells are separated by tabs; name the file .tsv"},
		{"commas", "m.tsv", "id,model\na,m\n", "m.tsv:1:1: the cells are separated by commas; name the file .csv"},
		{"old mac csv", "m.csv", "id,model\ra,m\r", "m.csv:1:1: the lines end in a carriage return alone, as on old Macs"},
		{"old mac jsonl", "m.jsonl", "{\"id\": \"a\"}\r{\"id\": \"b\"}\r", "m.jsonl:1:1: the lines end in a carriage return alone, as on old Macs"},
		{"old mac yaml", "m.yaml", strings.ReplaceAll(head+"prompt: x\n", "\n", "\r"), "prompt \"x\"\n"},
		{"a row of blanks", "m.csv", "model,prompt\nm,fox\n\n , \nm,owl\n", "problem m.csv:4:1: the row holds only blanks; fill it, or take it out\n\nm.csv:5:1"},
		{"a prompt of blanks", "m.jsonl", "{\"model\": \"m\", \"prompt\": \"  \"}\n", "m.jsonl:1:26: the prompt holds only blanks; write one, or take the row out"},
		{"openai batch", "m.jsonl", strings.Repeat("{\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/v1\", \"body\": {\"prompt\": \"x\"}}\n", 2), "the line is a request of a batch for the API of OpenAI"},
		{"array in jsonl", "m.jsonl", "[\n{\"id\": \"a\"},\n{\"id\": \"b\"}]\n", "batch m, test, normal\nproblem m.jsonl:1:1: the file is a list in brackets, where one object a line is wanted; " +
			"write one object a line without brackets around them, as jq -c '.[]' does\n"},
		{"pretty jsonl", "m.jsonl", "{\n  \"id\": \"a\"\n}\n{\n  \"id\": \"b\"\n}\n",
			"batch m, test, normal\nproblem m.jsonl:1:1: an object goes on in the next line, where one object a line is wanted; write each object in one line, as jq -c . does\n"},
		{"a cut last line", "m.jsonl", "{\"id\": \"a\", \"model\": \"m\"}\n{\"id\": \"b\",\n", "m.jsonl:2:12: expected a field name in double quotes"},
		{"list in json", "m.json", "[{\"id\": \"a\"}]", "m.json:1:1: the manifest must be a group of fields, not a list; put the list under items:"},
		{"seed -1", "m.csv", "model,seed\nm,-1\n", "m.csv:2:3: seed must be a whole number, not \"-1\"; leave it out, and every row gets a seed of its own\n"},
		{"seed with a fraction", "m.csv", "model,seed\nm,42.0\n", "not \"42.0\"; write 42, without a fraction\n"},
		{"seed too large", "m.csv", "model,seed\nm,99999999999999999999\n", "it is too large; write a smaller one, or leave it out, and every row gets a seed of its own\n"},
		{"not utf-8 yaml", "m.yaml", head + "prompt: ä\xff", "m.yaml:4:10: the file is not valid UTF-8"},
		{"not utf-8 jsonl", "m.jsonl", "\n{\"ä\": \"\xff\"}", "m.jsonl:2:8: the line is not valid UTF-8"},
		{"not utf-8 csv", "m.csv", "id,model\nö,\xff\n", "m.csv:2:3: the cell is not valid UTF-8"},
		{"not utf-8 csv header", "m.csv", "id,\xff\n", "m.csv:1:4: the name of a column is not valid UTF-8"},
		{"nul yaml", "m.yaml", head + "prompt: \"\x00\"", "m.yaml:4:10: the file holds a NUL character"},
		{"nul csv", "m.csv", "id,model\na,\x00\n", "m.csv:2:3: the cell holds a NUL character"},
		{"long text yaml", "m.yaml", head + "prompt: " + long, "m.yaml:4:9: prompt has 65537 bytes; a text has at most 65536"},
		{"long text jsonl", "m.jsonl", `{"model": "m", "prompt": "` + long + `"}`, "m.jsonl:1:26: prompt has 65537 bytes"},
		{"long text csv", "m.csv", "model,prompt\nm," + long + "\n", "m.csv:2:3: the cell has 65537 bytes"},
		{"long by variables", "m.yaml", head + "prompt: \"{x}{x}\"\nitems: [{id: a, x: " + long[:40000] + "}]", "prompt has 80000 bytes with its variables"},
		{"long line", "m.jsonl", `{"a": "` + strings.Repeat("x", 3*maxLine) + "\"}\n{\"id\": \"b\", \"model\": \"m\"}\n", "m.jsonl:2:1: b\n"},
		{"long line told", "m.jsonl", `{"a": "` + strings.Repeat("x", 3*maxLine) + "\"}\n", "m.jsonl:1: the line has more than 1048576 bytes"},
		{"open quote", "m.csv", "id,model\na,\"m\n" + strings.Repeat("x,y\n", maxLine/2), "look for a quote that is not closed"},
		{"deep flow", "m.yaml", head + "defaults: " + strings.Repeat("[", 200_000), "values are nested more than 64 deep"},
		{"deep braces", "m.yaml", head + "defaults: " + strings.Repeat("{a: ", 200_000), "values are nested more than 64 deep"},
		{"deep blocks", "m.yaml", head + "items:\n  " + strings.Repeat("- ", 200_000), "values are nested more than 64 deep"},
		{"deep questions", "m.yaml", head + "items:\n  " + strings.Repeat("? ", 200_000), "values are nested more than 64 deep"},
		{"deep indent", "m.yaml", head + "items:\n" + stairs(300), "values are nested more than 64 deep"},
		{"deep middle", "m.yaml", head + "items:\n" + stairs(100), "nested more than 64 deep"},
		{"deep json", "m.json", strings.Repeat("[", 200_000), "values are nested more than 64 deep"},
		{"deep jsonl", "m.jsonl", strings.Repeat(`{"a":`, 100_000), "values are nested more than 64 deep"},
		{"huge file", "m.yaml", head + strings.Repeat("# more\n", maxFile/7), "at most 4194304 can be read at once"},
		{"huge number", "m.yaml", head + "defaults: {parameters: {a: 1e999}}", `{"a":"1e999"}`},
		{"huge number json", "m.jsonl", `{"model": "m", "parameters": {"a": 1e999}}`, "1e999 is not a number"},
		{"only bom", "m.csv", bom, "the file is empty"},
		{"empty json", "m.json", " \n", "the manifest is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), test.file)
			if err := os.WriteFile(path, []byte(test.content), 0o644); err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(describe(path), filepath.Dir(path)+string(filepath.Separator), "")
			if !strings.Contains(got, test.want) {
				t.Errorf("got %.600q\nwant it to hold %q", got, test.want)
			}
		})
	}
}

func utf16LE(text string) string { return inUTF16(text, binary.LittleEndian) }

func utf16BE(text string) string { return inUTF16(text, binary.BigEndian) }

func inUTF16(text string, order binary.AppendByteOrder) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = order.AppendUint16(encoded, unit)
	}
	return string(encoded)
}

// stairs is a block nested so many deep, one space a step.
func stairs(steps int) string {
	var text strings.Builder
	for i := range steps {
		text.WriteString(strings.Repeat(" ", i+1) + "-\n")
	}
	return text.String()
}

func TestOpenUnreadable(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "m.yaml")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder); err == nil || err.Error() != folder+" is a directory; name the file in it" {
		t.Errorf("a directory: %v", err)
	}
	missing := filepath.Join(folder, "none.yaml")
	if _, err := Open(missing); !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), missing) != 1 {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Open("/dev/null"); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a device: %v", err)
	}
}

// TestUnreadableItems names tables that are there and cannot be read.
func TestUnreadableItems(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, content := range map[string]string{"m.yaml": head + "items_from: items.csv\n", "items.csv": "PK\x03\x04"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const want = "m.yaml:4:13: items_from: "
	if got := describe(filepath.Join(folder, "m.yaml")); !strings.Contains(got, want) || !strings.Contains(got, "is a spreadsheet or an archive") {
		t.Errorf("it says\n%s", got)
	}
}

func TestChangedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.jsonl")
	write := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"id": "a", "model": "m"}`)
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	write(`{"id": "a", "model": "other"}`)
	var got error
	for _, err := range m.Rows() {
		got = err
	}
	if !errors.Is(got, errChanged) {
		t.Errorf("rows of a changed file: %v", got)
	}
}

func TestManyProblems(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.yaml")
	content := head + strings.Repeat("x: 1\n", 500)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	problems, ok := errors.AsType[*document.Problems](err)
	if !ok || len(problems.List) != 50 || problems.Len() < 500 {
		t.Errorf("500 problems give %v", err)
	}
	if !strings.HasSuffix(err.Error(), " more") {
		t.Errorf("the error does not say that there are more: %.200s", err)
	}
}
