package document_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// FuzzJSON holds the parser against encoding/json: they take the same texts, but
// for nesting, numbers out of range and names that stand twice, and read them
// alike.
func FuzzJSON(f *testing.F) {
	for _, content := range []string{`{"a": [1, -2.50, true, null, "x"], "b": {}}`, " \n[]\n", `{"a": 1, "a": 2}`, `"\ud83d\ude00\n"`, `[1,]`, `{"a":1,}`, `-0.5e+3`, `01`, `1.`, `"\x"`, "\"\t\"", `nul`, `[1 2]`, `"a\"`} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if !utf8.Valid(content) || strings.ContainsRune(string(content), 0) {
			return
		}
		var reader document.JSONReader
		n, err := reader.Read(string(content), 1)
		if err != nil {
			if json.Valid(content) && !strings.Contains(err.Error(), "nested") && !strings.Contains(err.Error(), "not a number") {
				t.Errorf("%q is JSON, but: %v", content, err)
			}
			return
		}
		var want any
		if err := json.Unmarshal(content, &want); err != nil {
			t.Fatalf("%q is read, but: %v", content, err)
		}
		got := job.Inputs{"": n.Value()}.Canonical()
		if expected := (job.Inputs{"": job.NormalValue(want)}).Canonical(); !hasLongNumber(content) && string(got) != string(expected) {
			t.Errorf("%q is read as %s, want %s", content, got, expected)
		}
	})
}

// hasLongNumber reports whether a float would cut a number that the parser keeps.
func hasLongNumber(content []byte) bool {
	digits := 0
	for _, c := range content {
		if digits++; c < '0' || c > '9' {
			digits = 0
		}
		if digits > 15 {
			return true
		}
	}
	return false
}
