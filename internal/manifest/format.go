package manifest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"nightshift/internal/job"
)

// treeFormats are the endings of manifests that are one value.
var treeFormats = []string{".yaml", ".yml", ".json"}

// otherFormats are the endings of files that people have their prompts in, and what to
// do about them.
var otherFormats = []struct {
	endings []string
	what    string
	hint    string
}{
	{[]string{".xlsx", ".xls", ".xlsm", ".ods", ".numbers"}, "a spreadsheet", `save the sheet as CSV, in Excel as "CSV UTF-8", and name that file`},
	{[]string{".txt", ".md", ".text", ".prompt"}, "a text", "make it a table whose name ends in .csv: a first line with the name of the column, prompt, then a prompt a line, " +
		"in quotes where it holds a comma; name it in items_from of a manifest that says the model"},
	{[]string{".gz", ".zip", ".zst", ".bz2", ".xz", ".7z"}, "compressed", "unpack it, and name what was in it"},
	{[]string{".parquet", ".db", ".sqlite", ".pkl"}, "a database", "export it as CSV or JSONL, and name that file"},
	{[]string{".toml", ".xml", ".ini"}, "no format that is read here", "write the manifest as YAML; see docs/manifest.md"},
}

// beginnings tell files whose name says something else than what is in them.
var beginnings = []struct{ start, what, hint string }{
	{"PK\x03\x04", "a spreadsheet or an archive, whatever its name says", `save the sheet as CSV, in Excel as "CSV UTF-8"`},
	{"\xd0\xcf\x11\xe0", "a spreadsheet of an old Excel, whatever its name says", `save the sheet as CSV, in Excel as "CSV UTF-8"`},
	{"\x1f\x8b", "compressed, whatever its name says", "unpack it"},
	{"%PDF", "a PDF, whatever its name says", "save its text as CSV or YAML"},
	{"{\\rtf", "a text of a word processor, whatever its name says", "save it as plain text"},
	{"-----BEGIN", "a key or a certificate, whatever its name says", "name the file that holds the items"},
	{"\x89PNG", "an image, whatever its name says", "name the file that holds the items"},
	{"\xff\xd8\xff", "an image, whatever its name says", "name the file that holds the items"},
	{"<!DOCTYPE", "a web page, whatever its name says", "fetch the file itself; the page may ask to sign in"},
	{"<html", "a web page, whatever its name says", "fetch the file itself; the page may ask to sign in"},
}

// longestBeginning is how many bytes tell what a file is.
const longestBeginning = 16

// contentError says what a file is that begins like no manifest, or nil.
func contentError(path string, start []byte) error {
	for _, known := range beginnings {
		if len(start) >= len(known.start) && strings.EqualFold(string(start[:len(known.start)]), known.start) {
			return &job.HintedError{Err: fmt.Errorf("%s is %s", path, known.what), Hint: known.hint}
		}
	}
	return nil
}

// formatError says what a file is that is read in no format, and what to do.
func formatError(path string) error {
	extension := strings.ToLower(filepath.Ext(path))
	for _, other := range otherFormats {
		if slices.Contains(other.endings, extension) {
			return &job.HintedError{Err: fmt.Errorf("%s is %s", path, other.what), Hint: other.hint}
		}
	}
	return &job.HintedError{
		Err:  fmt.Errorf("the name of %s does not say what it is", path),
		Hint: "a manifest ends in " + strings.Join(treeFormats, ", ") + ", a list of jobs in " + strings.Join(flatFormats, ", "),
	}
}
