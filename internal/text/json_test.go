package text

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	value := map[string]string{"a": "\x1b[31m\u009b\u202e <é>\n", "b": "\u200f"}
	var line, indented strings.Builder
	if err := WriteJSON(&line, value); err != nil {
		t.Fatal(err)
	}
	if want := `{"a":"\u001b[31m\u009b\u202e <é>\n","b":"\u200f"}` + "\n"; line.String() != want {
		t.Errorf("got %s want %s", line.String(), want)
	}
	if err := WriteIndentedJSON(&indented, value); err != nil {
		t.Fatal(err)
	}
	for _, written := range []string{line.String(), indented.String()} {
		var back map[string]string
		if err := json.Unmarshal([]byte(written), &back); err != nil || back["a"] != value["a"] || hostile(written) {
			t.Errorf("%s is read as %q, %v", written, back, err)
		}
	}
}
