package job_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

func TestNumberNormalForm(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"5", "5"},
		{"5.0", "5"},
		{"5.000", "5"},
		{"50e-1", "5"},
		{"1e2", "100"},
		{"1E+2", "100"},
		{"-3.0", "-3"},
		{"-7", "-7"},
		{"0", "0"},
		{"-0", "0"},
		{"-0.0", "0"},
		{"0e5", "0"},
		{"0.1", "0.1"},
		{"0.10", "0.1"},
		{"1e-1", "0.1"},
		{"3.5", "3.5"},
		{"-2.50", "-2.5"},
		{"1e-7", "0.0000001"},
		{"999999999999999999", "999999999999999999"},
		{"9007199254740991", "9007199254740991"},
		{"9007199254740993", "9007199254740993"}, // beyond 2^53, where floats lose digits
		{"-9007199254740993", "-9007199254740993"},
		{"9223372036854775807", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"1e17", "100000000000000000"},
		{"100000000000000000.0", "100000000000000000"},
		{"1e20", "100000000000000000000"},
		{"100000000000000000000", "100000000000000000000"},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			got := job.Number(json.Number(test.text))
			if got.String() != test.want {
				t.Errorf("Number(%s) = %s, want %s", test.text, got, test.want)
			}
			if again := job.Number(got); again != got {
				t.Errorf("Number(%s) = %s, which is not its own normal form", got, again)
			}
		})
	}
}

func TestNumberLeavesOtherTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "seven", "1.2.3", "1e999", "Inf", "-infinity", "NaN", "--1", " 1", "."} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if got := job.Number(json.Number(text)); got.String() != text {
				t.Errorf("Number(%q) = %q", text, got)
			}
		})
	}
}

// FuzzNumber holds that the normal form keeps the value, is JSON, and is one.
func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"5.0", "1e2", "0.1", "-0", "9007199254740993", "1e300", "5e-324", "123456789012345678901234567890"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || strings.Trim(text, "0123456789+-.eE") != "" {
			return
		}
		normal := job.Number(json.Number(text))
		if !json.Valid([]byte(normal)) {
			t.Fatalf("Number(%s) = %s, which is not JSON", text, normal)
		}
		if again := job.Number(normal); again != normal {
			t.Errorf("Number(%s) = %s, but again it is %s", text, normal, again)
		}
		before, _ := json.Number(text).Float64()
		if after, _ := normal.Float64(); after != before {
			t.Errorf("Number(%s) = %s changes the value from %v to %v", text, normal, before, after)
		}
	})
}

func TestNormalValue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		value, want any
	}{
		{"nil", nil, nil},
		{"text", "5.0", "5.0"},
		{"bool", true, true},
		{"number", json.Number("5.0"), json.Number("5")},
		{"int", 5, json.Number("5")},
		{"int64", int64(math.MinInt64), json.Number("-9223372036854775808")},
		{"uint64", uint64(1 << 63), json.Number("9223372036854775808")},
		{"float64", 512.0, json.Number("512")},
		{"float64 fraction", 0.1, json.Number("0.1")},
		{"float64 negative zero", math.Copysign(0, -1), json.Number("0")},
		{"float32", float32(0.1), json.Number("0.1")},
		{"list", []any{1, "a", []any{2.0}}, []any{json.Number("1"), "a", []any{json.Number("2")}}},
		{"group", map[string]any{"a": map[string]any{"b": 1e2}}, map[string]any{"a": map[string]any{"b": json.Number("100")}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, job.NormalValue(test.value)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestNormalInputsCopies holds that what inputs are made from stays as it was, and
// that changing one does not change the other.
func TestNormalInputsCopies(t *testing.T) {
	t.Parallel()
	raw := map[string]any{"n": json.Number("5.0"), "l": []any{json.Number("1e1")}, "o": map[string]any{"x": json.Number("2.0")}}
	in := job.NormalInputs(raw)
	in["l"].([]any)[0] = "changed"
	in["o"].(map[string]any)["x"] = "changed"
	in["more"] = true
	want := map[string]any{"n": json.Number("5.0"), "l": []any{json.Number("1e1")}, "o": map[string]any{"x": json.Number("2.0")}}
	if diff := cmp.Diff(want, raw); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEqualInputsEncodeEqually(t *testing.T) {
	t.Parallel()
	const want = `{"guidance":3.5,"height":512,"list":[1,{"a":10,"b":null}],"prompt":"a <fox>","width":512}`
	for _, text := range []string{
		want,
		`{"width":512,"prompt":"a <fox>","list":[1,{"b":null,"a":10}],"height":512,"guidance":3.5}`,
		` { "height" : 512.0, "guidance":3.50, "width":5.12e2, "list":[1.0,{"a":1e1,"b":null}], "prompt":"\u0061 \u003cfox\u003e" } `,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			in, err := job.DecodeInputs([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for range 20 { // maps are in another order each time
				if got := string(in.Canonical()); got != want {
					t.Fatalf("Canonical\n got %s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestInputsWithinJSONKeepNumbersExact(t *testing.T) {
	t.Parallel()
	var j job.Job
	const line = `{"job":"abc","index":0,"row":"a","model":"m","inputs":{"seed":9007199254740993,"width":512.0},"outputs":["a.{ext}"],"quote":1.5}`
	if err := json.Unmarshal([]byte(line), &j); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(job.Inputs{"seed": json.Number("9007199254740993"), "width": json.Number("512")}, j.Inputs); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDecodeInputsRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `[]`, `"a"`, `5`, `{`, `{"a":}`, `{"a":01}`} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if in, err := job.DecodeInputs([]byte(text)); err == nil {
				t.Errorf("decoded %v", in)
			}
			in := job.Inputs{"kept": true}
			if err := in.UnmarshalJSON([]byte(text)); err == nil || !in["kept"].(bool) {
				t.Errorf("after the error %v the inputs are %v", err, in)
			}
		})
	}
}
