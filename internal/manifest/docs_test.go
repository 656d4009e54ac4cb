package manifest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
)

var rewriteDocs = flag.Bool("update-docs", false, "write the rows of the examples into docs/manifest.md")

// example matches a file of docs/manifest.md, named behind the language of its
// block, and the block with its rows, if one follows.
var example = regexp.MustCompile("(?ms)^```(?:yaml|json|jsonl|csv) (\\S+)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?")

// anyBlock matches the start of every block that should be such a file.
var anyBlock = regexp.MustCompile("(?m)^```(?:yaml|json|jsonl|csv)\\b")

// blanks are those at the ends of lines, of rows without a prompt.
var blanks = regexp.MustCompile("(?m) +$")

// TestDocumentation makes the rows of every example in docs/manifest.md and
// compares them with those on the page.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "docs", "manifest.md")
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	examples := example.FindAllStringSubmatch(text, -1)
	if all := anyBlock.FindAllString(text, -1); len(examples) != len(all) || len(all) == 0 {
		t.Fatalf("%d of %d examples name their file", len(examples), len(all))
	}
	folder := t.TempDir()
	for _, found := range examples {
		if err := os.WriteFile(filepath.Join(folder, found[1]), []byte(found[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if *rewriteDocs {
		rewritten := example.ReplaceAllStringFunc(text, func(block string) string { return withRows(folder, block) })
		if err := os.WriteFile(page, []byte(rewritten), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, found := range examples {
		if got := withRows(folder, found[0]); got != found[0] {
			t.Errorf("%s makes other rows; if that is right, run go test ./internal/manifest -update-docs (-page +made):\n%s",
				found[1], cmp.Diff(found[0], got))
		}
	}
}

// withRows returns an example with the rows that it makes. A file that no rows
// follow belongs to the next one.
func withRows(folder, block string) string {
	files, _, shown := strings.Cut(block, "\n```text\n")
	if !shown {
		return block
	}
	path := filepath.Join(folder, example.FindStringSubmatch(block)[1])
	return files + "\n```text\n" + strings.ReplaceAll(brief(path), folder+string(filepath.Separator), "") + "```\n"
}

// brief writes a row a line: id, output and prompt; or what is wrong.
func brief(path string) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 4, ' ', 0)
	m, err := Open(path)
	if err != nil {
		return err.Error() + "\n"
	}
	for row, err := range m.Rows() {
		if err != nil {
			fmt.Fprintln(table, err)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", row.ID, row.Output, row.Prompt)
	}
	_ = table.Flush() // into memory, which does not fail
	return blanks.ReplaceAllString(text.String(), "")
}
