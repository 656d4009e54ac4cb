package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documented is what docs/configuration.md says of a variable.
type documented struct{ Default, Unit string }

var variableRow = regexp.MustCompile("(?m)^\\| `([A-Z][A-Z0-9_]+)` \\| (.+?) \\| (.+?) \\| (.+?) \\|$")

// readDocumentation returns the rows of the tables by variable.
func readDocumentation(t *testing.T) map[string]documented {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]documented)
	for _, row := range variableRow.FindAllStringSubmatch(string(page), -1) {
		name, standard, unit := row[1], strings.Trim(row[2], "`–"), row[3]
		if _, twice := rows[name]; twice {
			t.Errorf("%s is documented twice", name)
		}
		rows[name] = documented{Default: standard, Unit: unit}
	}
	return rows
}

// TestDocumentation holds docs/configuration.md and Settings together: the same
// variables with the same defaults.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	page := readDocumentation(t)
	inCode, inPage := make(map[string]string), make(map[string]string)
	for field := range reflect.TypeFor[Settings]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
		inCode[name] = field.Tag.Get("envDefault")
	}
	for name, row := range page {
		inPage[name] = row.Default
	}
	if diff := cmp.Diff(inCode, inPage); diff != "" {
		t.Errorf("variables and defaults differ (-Settings +docs/configuration.md):\n%s", diff)
	}
}

// TestDocumentedUnits compares the units that the types of Settings imply with
// those that the page names.
func TestDocumentedUnits(t *testing.T) {
	t.Parallel()
	page := readDocumentation(t)
	for field := range reflect.TypeFor[Settings]().Fields() {
		isDuration := field.Type.String() == "time.Duration"
		saysDuration := page[field.Tag.Get("env")].Unit == "duration"
		if isDuration != saysDuration {
			t.Errorf("%s is a %s, documented as %q", field.Tag.Get("env"), field.Type, page[field.Tag.Get("env")].Unit)
		}
	}
}

// TestDefaultsAreValid loads the settings of somebody who set nothing.
func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	if _, err := Load(nil); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}
