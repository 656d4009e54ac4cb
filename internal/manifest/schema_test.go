package manifest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	yaml "go.yaml.in/yaml/v4"
)

// update rewrites the golden files and the JSON Schema:
//
//	go test ./internal/manifest -update
var update = flag.Bool("update", false, "rewrite golden files and jobs/manifest.schema.json")

const (
	jobsFolder = "../../jobs"
	schemaFile = jobsFolder + "/manifest.schema.json"
)

func makeSchema(t *testing.T) []byte {
	t.Helper()
	schema := reflectSchema(manifestFile{})
	schema.Version = jsonschema.Version
	schema.Title = "Nightshift manifest"
	schema.Description = "A batch of image-generation jobs."
	written, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatalf("encode schema: %v", err)
	}
	return append(written, '\n')
}

func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	want := makeSchema(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the schema is not that of the types; run go test ./internal/manifest -update (-want +got):\n%s", diff)
	}
}

// TestSchemaFields holds the fields of the types against those of the reader.
func TestSchemaFields(t *testing.T) {
	t.Parallel()
	for _, part := range []struct {
		name  string
		of    any
		known []string
	}{
		{"manifest", manifestFile{}, headerFields},
		{"defaults", defaultsFields{}, layerFields},
		{"item", itemFile{}, itemFields},
		{"style", styleObject{}, styleFields},
		{"axes", axesFile{}, axesFields},
		{"sample", sampleFile{}, sampleFields},
		{"budget", budgetFile{}, budgetFields},
		{"window", windowObject{}, windowFields},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			got, want := jsonFields(reflect.TypeOf(part.of)), slices.Clone(part.known)
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("fields of the reader and of the schema differ (-reader +schema):\n%s", diff)
			}
		})
	}
}

func jsonFields(of reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func compileSchema(t *testing.T) *validator.Schema {
	t.Helper()
	document, err := validator.UnmarshalJSON(bytes.NewReader(makeSchema(t)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := validator.NewCompiler()
	if err := compiler.AddResource("manifest.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("manifest.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// schemaDocument reads a YAML file in the types that the validator takes.
func schemaDocument(t *testing.T, content []byte) any {
	t.Helper()
	var read any
	err := yaml.Unmarshal(content, &read)
	var written []byte
	if err == nil {
		written, err = json.Marshal(read)
	}
	if err != nil {
		t.Fatal(err)
	}
	document, err := validator.UnmarshalJSON(bytes.NewReader(written))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func jobManifests(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(jobsFolder + "/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no manifests in %s: %v", jobsFolder, err)
	}
	return paths
}

func TestJobsMatchSchema(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for _, path := range jobManifests(t) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(content, []byte("# yaml-language-server: $schema=./manifest.schema.json\n")) {
			t.Errorf("%s does not name its schema in the first line", path)
		}
		if err := schema.Validate(schemaDocument(t, content)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestSchemaRefuses makes sure that the schema is not simply content with all.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for name, content := range map[string]string{
		"no version":     "name: a",
		"unknown field":  "{version: 1, name: a, promt: x}",
		"unknown mode":   "{version: 1, name: a, mode: life}",
		"axis as text":   "{version: 1, name: a, axes: {product: {seed: one}}}",
		"variable list":  "{version: 1, name: a, items: [{id: x, tags: [a]}]}",
		"style field":    "{version: 1, name: a, styles: {x: {txt: a}}}",
		"window hours":   "{version: 1, name: a, window: always}",
		"budget as text": "{version: 1, name: a, budget: {cu: much}}",
		"empty budget":   "{version: 1, name: a, budget: {}}",
		"high drift":     "{version: 1, name: a, budget: {drift: 20}}",
		"on_budget":      "{version: 1, name: a, on_budget: stop}",
		"empty exclude":  "{version: 1, name: a, exclude: [{}]}",
	} {
		if err := schema.Validate(schemaDocument(t, []byte(content))); err == nil {
			t.Errorf("%s: the schema accepts %s", name, content)
		}
	}
}
