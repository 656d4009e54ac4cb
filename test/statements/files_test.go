package statements

import (
	"strings"
	"testing"

	"nightshift/internal/simulator"
)

const (
	// head is a manifest before its items.
	head  = "version: 1\nname: m\nmodel: model_bfl-flux-1-dev\nprompt: \"{item}\"\n"
	table = "id,model,prompt\n"
)

// TestFilesThatPeopleHave plans files as other programs and hasty hands write them: each is
// read as it is meant, warned of, or refused with what it is and what to do.
func TestFilesThatPeopleHave(t *testing.T) {
	t.Parallel()
	const hero = "model_bfl-flux-1-dev"
	for name, c := range map[string]struct {
		file, content string
		code          int
		says          []string
		never         string
	}{
		"a comma in braces":         {"m.yaml", head + "items: [{id: a, item: a ship, at sea}]\n", 2, []string{"m.yaml:5:", "quote the text: it holds a comma"}, ""},
		"a path in double quotes":   {"m.yaml", head + "items: [{id: a, item: \"D:\\Work\"}]\n", 2, []string{`\W is not an escape of YAML`, "single quotes"}, ""},
		"a tab in a text":           {"m.yaml", head + "items:\n  - id: a\n    item: one\ttwo\n", 0, []string{"1 job to run"}, ""},
		"a text with a number sign": {"m.yaml", head + "items:\n  - id: a\n    item: poster #7\n", 0, []string{"# begins a comment here", "quote the text"}, ""},
		"a parameter as a column":   {"m.csv", "id,model,prompt,num_inference_steps\na," + hero + ",x,30\n", 2, []string{"did you mean parameters.numInferenceSteps?"}, ""},
		"a number of images":        {"m.csv", "id,model,prompt,Num Images\na," + hero + ",x,3\n", 2, []string{"did you mean samples?"}, ""},
		"a name of a file":          {"m.csv", "id,model,prompt,filename\na," + hero + ",x,a.png\n", 2, []string{"did you mean output?"}, ""},
		"a column of remarks":       {"m.csv", "id,model,prompt,remarks\na," + hero + ",x,nice\n", 0, []string{"nothing uses", "remarks"}, ""},
		"a style that is not sent":  {"m.yaml", head + "styles: {soft: pastel}\nitems: [{id: a, item: x, style: soft}]\n", 0, []string{"its prompt has no {style}"}, ""},
		"one picture twice":         {"m.yaml", head + "items: [{id: a, item: x, seed: 4}, {id: b, item: x, seed: 4}]\n", 0, []string{"the same image is made and paid again"}, ""},
		"a row of blanks":           {"m.csv", table + "a," + hero + ",x\n\"  \",  ,\" \"\n", 2, []string{"m.csv:3:1: the row holds only blanks"}, ""},
		"wildcards":                 {"m.yaml", head + "items: [{id: a, item: \"a __beast__ at night\"}]\n", 0, []string{"wildcards of other tools", "axes"}, ""},
		"requests of a batch":       {"m.jsonl", `{"custom_id": "r1", "method": "POST", "url": "/v1/images/generations", "body": {"prompt": "x"}}` + "\n", 2, []string{"a request of a batch for the API of OpenAI"}, ""},
		"an object over lines":      {"m.jsonl", "{\n  \"id\": \"a\",\n  \"prompt\": \"x\"\n}\n", 2, []string{"one object a line", "jq -c"}, ""},
		"a list in jsonl":           {"m.jsonl", `[{"id": "a", "model": "` + hero + `", "prompt": "x"}]` + "\n", 2, []string{"m.jsonl:1:1", "one object a line"}, ""},
		"UTF-16":                    {"m.csv", utf16(table + "a," + hero + ",über den Wolken\n"), 0, []string{"über den Wolken"}, ""},
		"Windows-1252":              {"m.csv", table + "a," + hero + ",\xfcber\n", 2, []string{"Windows-1252", "CSV UTF-8"}, "\xfc"},
		"empty columns at the end":  {"m.csv", "id,model,prompt,,\na," + hero + ",x,,\n", 0, []string{"1 job to run"}, ""},
		"a line sep=":               {"m.csv", "sep=;\nid;model;prompt\na;" + hero + ";x\n", 0, []string{"1 job to run"}, ""},
		"semicolons":                {"m.csv", "id;model;prompt\na;" + hero + ";x\n", 2, []string{"m.csv:1:1", ";"}, ""},
		"pipes":                     {"m.csv", "id|model|prompt\na|" + hero + "|x\n", 2, []string{"m.csv:1:1", "|"}, ""},
		"line ends of old Macs":     {"m.csv", strings.ReplaceAll(table+"a,"+hero+",x\n", "\n", "\r"), 2, []string{"m.csv:1", "line"}, ""},
		"a text":                    {"m.txt", "a red fox\n", 2, []string{"m.txt is a text", ".csv"}, ""},
		"a spreadsheet":             {"m.xlsx", "PK\x03\x04", 2, []string{"m.xlsx is a spreadsheet", "CSV UTF-8"}, ""},
		"a spreadsheet named csv":   {"m.csv", "PK\x03\x04", 2, []string{"a spreadsheet or an archive", "CSV UTF-8"}, ""},
		"ratios as an axis":         {"m.yaml", strings.Replace(head, "{item}", "{item} {look}", 1) + "items: [{id: a, item: x}]\naxes: {product: {look: [16:9, 1:1]}}\n", 0, []string{"2 jobs to run"}, `{"16"`},
		"seed -1":                   {"m.yaml", head + "items: [{id: a, item: x, seed: -1}]\n", 2, []string{"leave it out, and every row gets a seed of its own"}, ""},
		"a seed with a point":       {"m.yaml", head + "items: [{id: a, item: x, seed: 42.5}]\n", 2, []string{"seed"}, ""},
		"a seed that is too large":  {"m.yaml", head + "items: [{id: a, item: x, seed: 99999999999999999999}]\n", 2, []string{"seed"}, ""},
		"a picture that is gone": {"m.yaml", head + "items: [{id: a, item: x, images: {image: refs/none.png}}]\nsteps: {cut: {model: model_bria-remove-background, images: {image: \"{previous}\"}}}\n", 2,
			[]string{"m.yaml:5:42: picture refs/none.png: there is no such file; give a whole PNG", "1 problem;"}, ""},
		"YAML that ends early": {"m.yaml", head + "items: [{id: a, item: \"x}]\n", 2, []string{"m.yaml:5:"}, "yaml:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBed(simulator.Options{}, func(b *bed) {
				e := b.enqueue(nil, "plan", b.write(c.file, c.content))
				for _, text := range c.says {
					b.wants(e, c.code, text)
				}
				if said := strings.ReplaceAll(e.out+e.errs, b.folder, ""); c.never != "" && strings.Contains(strings.ReplaceAll(said, "m.yaml:", ""), c.never) {
					b.t.Errorf("it says %q: %s", c.never, said)
				}
				b.nothingPaid()
			})(t)
		})
	}
}

// utf16 is a text as spreadsheets on Windows save it.
func utf16(text string) string {
	var s strings.Builder
	s.WriteString("\xff\xfe")
	for _, r := range text {
		s.WriteByte(byte(r))
		s.WriteByte(byte(r >> 8))
	}
	return s.String()
}
