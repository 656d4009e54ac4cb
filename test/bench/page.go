package main

import (
	"fmt"
	"os"
	"strings"
)

const (
	pagePath    = "docs/performance.md"
	beginMarker = "<!-- table: go run ./test/bench -write -->"
	endMarker   = "<!-- end of table -->"
)

// writePage puts lines into the page's table; lines of rows that were not measured
// this time stay.
func writePage(path, about string, lines []line) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	page, err := replaceTable(string(old), about, lines)
	if err != nil {
		return fmt.Errorf("page %s: %w", path, err)
	}
	return os.WriteFile(path, []byte(page), 0o644)
}

// replaceTable returns the page with the lines merged into its table.
func replaceTable(page, about string, lines []line) (string, error) {
	before, rest, found := strings.Cut(page, beginMarker)
	old, after, ends := strings.Cut(rest, endMarker)
	if !found || !ends {
		return "", fmt.Errorf("no table between %q and %q", beginMarker, endMarker)
	}
	return before + beginMarker + "\n\n" + about + "\n\n" + table(merge(parseTable(old), lines)) + "\n" + endMarker + after, nil
}
