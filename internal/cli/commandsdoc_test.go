package cli

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/export"
	"nightshift/internal/job"
	"nightshift/internal/view"
	"nightshift/internal/wait"
)

// TestCommandsAreDocumented holds docs/commands.md against what the commands print: a
// name in their JSON that programs may use is explained there, and so is every command.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	names := make(map[string]bool)
	for _, value := range []any{view.Status{}, submission{}, steering{}, listedBatch{}, batch.Marked{}, export.Result{}, job.Picks{}} {
		jsonNames(reflect.TypeOf(value), names)
	}
	if len(names) < 40 {
		t.Fatalf("only %d names were found", len(names))
	}
	for name := range names {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/commands.md does not explain %s", name)
		}
	}
	for _, command := range fleetCommands(app.Process{}) {
		if !strings.Contains(text, "| `"+command.Name()) {
			t.Errorf("docs/commands.md does not name %s", command.Name())
		}
		if command.Example == "" || command.Flags().Lookup("json") == nil {
			t.Errorf("%s has no example or no --json", command.Name())
		}
	}
	for _, reason := range job.WaitReasons {
		if !wait.ForCU(reason) && !strings.Contains(text, "`"+string(reason)+"`") {
			t.Errorf("docs/commands.md does not name the bottleneck %s", reason)
		}
	}
}

// jsonNames gathers the names of a type's fields, of the structs within as well.
func jsonNames(of reflect.Type, into map[string]bool) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() == "time" {
		return
	}
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		into[name] = true
		jsonNames(field.Type, into)
	}
}
