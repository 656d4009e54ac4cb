package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	yaml "go.yaml.in/yaml/v4"
)

// update rewrites the JSON Schema:
//
//	go test ./internal/config -update
var update = flag.Bool("update", false, "rewrite deploy/keys.schema.json")

const (
	exampleFile = "../../deploy/keys.example.yaml"
	schemaFile  = "../../deploy/keys.schema.json"
)

func makeSchema(t *testing.T) []byte {
	t.Helper()
	reflector := jsonschema.Reflector{Anonymous: true, DoNotReference: true}
	schema := reflector.Reflect(keysSchema{})
	schema.Version = jsonschema.Version
	schema.Title = "Nightshift keys file"
	schema.Description = "The API keys that a machine may use, their limits and caps."
	written, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatalf("encode schema: %v", err)
	}
	return append(written, '\n')
}

func TestKeysSchemaIsCurrent(t *testing.T) {
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
		t.Errorf("the schema is not that of the types; run go test ./internal/config -update (-want +got):\n%s", diff)
	}
}

// TestKeysSchemaFields holds the fields of the types against those of the reader.
func TestKeysSchemaFields(t *testing.T) {
	t.Parallel()
	for _, part := range []struct {
		of    any
		known []string
	}{
		{keysSchema{}, keysFields}, {apiKeySchema{}, apiKeyFields}, {secretSchema{}, secretFields},
		{limitsSchema{}, limitsFields}, {batchLimitsSchema{}, batchLimitsFields}, {capsSchema{}, capsFields},
	} {
		var got []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(part.of)) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(slices.Sorted(slices.Values(part.known)), got); diff != "" {
			t.Errorf("%T: fields of the reader and of the schema differ (-reader +schema):\n%s", part.of, diff)
		}
	}
}

// validate holds a YAML file against the schema.
func validate(t *testing.T, content string) error {
	t.Helper()
	read := func(document []byte) any {
		value, err := validator.UnmarshalJSON(bytes.NewReader(document))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	compiler := validator.NewCompiler()
	if err := compiler.AddResource("keys.schema.json", read(makeSchema(t))); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("keys.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var document any
	err = yaml.Unmarshal([]byte(content), &document)
	var written []byte
	if err == nil {
		written, err = json.Marshal(document)
	}
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(read(written))
}

func TestExampleMatchesSchema(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(content, []byte("# yaml-language-server: $schema=./keys.schema.json\n")) {
		t.Error("the example does not name its schema in the first line")
	}
	if err := validate(t, string(content)); err != nil {
		t.Error(err)
	}
}

var pageExample = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// TestKeysPage reads the examples in docs/keys.md, and looks for all fields there.
func TestKeysPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := pageExample.FindAllStringSubmatch(string(page), -1)
	if len(examples) == 0 {
		t.Error("the page has no examples")
	}
	for _, example := range examples {
		if _, err := readKeysText(t, example[1], "STUDIO_A_KEY=k", "STUDIO_A_SECRET=s"); err != nil {
			t.Error(err)
		}
		if err := validate(t, example[1]); err != nil {
			t.Error(err)
		}
	}
	for _, name := range slices.Concat(apiKeyFields, limitsFields) {
		if !strings.Contains(string(page), "\n| `"+name+"` | ") {
			t.Errorf("the page has no row for %s", name)
		}
	}
}

// TestKeysSchemaRefuses makes sure that the schema is not simply content with all.
func TestKeysSchemaRefuses(t *testing.T) {
	t.Parallel()
	if err := validate(t, oneKey(goodKey)); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"no version":           strings.Replace(oneKey(goodKey), "version: 1\n", "", 1),
		"no pools":             "version: 1",
		"no pool":              "{version: 1, pools: {}}",
		"empty pool":           "{version: 1, pools: {default: []}}",
		"name of a pool":       "{version: 1, pools: {a b: [{" + goodKey + "}]}}",
		"unknown field":        oneKey(goodKey + ", colour: red"),
		"mode":                 oneKey("id: a, mode: life, key: {env: K}, secret: {env: S}"),
		"id":                   oneKey("id: a b, mode: live, key: {env: K}, secret: {env: S}"),
		"no secret":            oneKey("id: a, mode: live, key: {env: K}"),
		"secret too many":      oneKey(goodKey + ", auth: basic-key-only"),
		"test without url":     oneKey("id: a, mode: test, key: {env: K}, secret: {env: S}"),
		"provider":             oneKey(goodKey + ", provider: elsewhere"),
		"user in the address":  oneKey(goodKey + ", url: 'https://a:b@example.com'"),
		"inline secret":        oneKey("id: a, mode: live, key: {env: K}, secret: abc"),
		"secret from nowhere":  oneKey("id: a, mode: live, key: {env: K}, secret: {}"),
		"secret from two":      oneKey("id: a, mode: live, key: {env: K}, secret: {env: S, file: s}"),
		"rate":                 oneKey(goodKey + ", limits: {requests_per_minute: 9}"),
		"negative cap":         oneKey(goodKey + ", limits: {cu: {day: -1}}"),
		"reset day":            oneKey(goodKey + ", limits: {reset_day: 32}"),
		"a batch with a limit": oneKey(goodKey) + "batches: {icons: {parallel: 3}}",
	} {
		if err := validate(t, content); err == nil {
			t.Errorf("%s: the schema accepts %s", name, content)
		}
	}
}
