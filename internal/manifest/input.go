package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"nightshift/internal/job"
)

// mostInput bounds a manifest that comes through a pipe, in bytes: it is kept in a
// temporary file, since it is read more than once.
const mostInput = 256 << 20

// inputName is what a manifest that came through a pipe is called in messages, before its
// format as an ending. Names of files in it count from the working directory.
const inputName = "standard-input"

// OpenInput is [Open] of what comes through a pipe, in a format such as "yaml"; "" finds it
// out. The file that it is kept in is needed until the last row was read, and goes with
// remove.
func OpenInput(from io.Reader, format string) (m *Manifest, remove func() error, err error) {
	file, err := os.CreateTemp("", "nightshift-manifest-")
	if err != nil {
		return nil, nil, fmt.Errorf("keep the manifest of the standard input: %w", err)
	}
	remove = func() error { return os.Remove(file.Name()) }
	size, err := io.Copy(file, io.LimitReader(from, mostInput+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, remove, fmt.Errorf("read the manifest from the standard input: %w", err)
	}
	if size > mostInput {
		return nil, remove, &job.HintedError{
			Err: fmt.Errorf("the standard input has more than %d MiB", mostInput>>20), Hint: "save it as a file, and name that",
		}
	}
	if size == 0 {
		return nil, remove, &job.HintedError{Err: errors.New("the standard input is empty"), Hint: "pipe a manifest into the command, or name a file"}
	}
	if format == "" {
		if format, err = formatOfInput(file.Name()); err != nil {
			return nil, remove, err
		}
	}
	ending := "." + strings.ToLower(format)
	if !slices.Contains(treeFormats, ending) && !slices.Contains(flatFormats, ending) {
		return nil, remove, &job.HintedError{
			Err:  fmt.Errorf("%s is no format of a manifest", quoteShort(format)),
			Hint: "one of yaml, json, jsonl, csv and tsv",
		}
	}
	m, err = open(inputName+ending, file.Name())
	return m, remove, err
}

// formatOfInput finds out by its first line what a manifest is.
func formatOfInput(path string) (string, error) {
	file, err := statLinked(inputName, path)
	if err != nil {
		return "", err
	}
	reader, err := file.open()
	if err != nil {
		return "", err
	}
	defer reader.Close() // only read from
	start, err := io.ReadAll(io.LimitReader(reader, 64<<10))
	if err != nil {
		return "", readError(inputName, err)
	}
	return formatOf(string(start)), nil
}

// formatOf tells the format of a text: an object a line, one JSON value, a table, whose
// first line has names between separators, or YAML, which has a name and a colon.
func formatOf(start string) string {
	start = strings.TrimPrefix(start, bom)
	line := ""
	for line = range strings.Lines(start) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			break
		}
	}
	colon := strings.Index(line+" ", ": ")
	switch {
	case strings.HasPrefix(line, "{") && json.Valid([]byte(line)) && !isHeader(line):
		return "jsonl"
	case strings.HasPrefix(line, "{"), strings.HasPrefix(line, "["):
		return "json"
	case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "%YAML"), strings.HasSuffix(line, ":"):
		return "yaml"
	case colon >= 0 && !strings.ContainsAny(line[:colon], ",\t;"):
		return "yaml"
	case strings.Contains(line, "\t"):
		return "tsv"
	default:
		return "csv"
	}
}

// isHeader reports whether a JSON object is a manifest and no job of a list.
func isHeader(object string) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(object), &fields) != nil {
		return false
	}
	return fields["version"] != nil || fields["items"] != nil || fields["items_from"] != nil
}
