package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"nightshift/internal/app"
)

// hostile is what a name or a prompt from outside may hold: colours, a title, a link, a
// cleared screen, a way back over the line, text turned around, and raw bytes.
const hostile = "a\x1b[31m\x1b]0;owned\x07\x1b]8;;evil\x1b\\b\x1b[2J\u009b1mc\rd\x08\u202ee\u2066f\u200b\x7fg\xff"

// visible fails where a terminal would obey or hide a part of the text.
func visible(t *testing.T, what, printed string) {
	t.Helper()
	if at := strings.IndexFunc(printed, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); at >= 0 {
		t.Errorf("%s prints %q", what, printed[max(at-40, 0):min(at+40, len(printed))])
	}
}

// TestHostileTexts hands a hostile text to every command as argument and as every flag,
// in the environment, and in files of all formats: none reaches a terminal as it is.
func TestHostileTexts(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	files := map[string]string{
		"a.jsonl":          "{\"" + jsonHostile + "\": \"x\", \"model\": \"" + jsonHostile + "\", \"prompt\": \"{" + jsonHostile + "}\"}\n",
		"b.csv":            "id,model,\"" + strings.ToValidUTF8(hostile, "") + "\"\na,\"" + strings.ToValidUTF8(hostile, "") + "\",x\n",
		"c.yaml":           "version: 1\nname: \"" + jsonHostile + "\"\nmodle: \"" + jsonHostile + "\"\n? \"" + jsonHostile + "\"\n: x\n",
		"d.yaml":           "version: 1\nname: d\nmodel: m\nitems_from: \"" + jsonHostile + ".csv\"\n",
		hostile + ".yaml":  "version: 1\nname: {",
		hostile + ".jsonl": "{",
	}
	args := []string{hostile}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	process := app.Process{Environ: []string{
		"NIGHTSHIFT_OUT=" + filepath.Join(folder, "out"), "NIGHTSHIFT_KEYS=" + hostile, "SCENARIO_API_KEY=" + hostile, "SCENARIO_API_SECRET=x",
	}}
	commands := append(fleetCommands(process), runCommand(process), planCommand(process), keysCommandOf(process), resolveCommand(process))
	for _, environ := range [][]string{process.Environ, process.Environ[:1]} {
		for _, command := range commands {
			for _, arg := range args {
				for _, flags := range [][]string{nil, {"--json"}, {"--" + hostile}, {"--out", hostile}, {"--format", hostile}, {"--row", hostile}} {
					line := append([]string{command.Name(), arg}, flags...)
					var out, log bytes.Buffer
					Enqueue(t.Context(), app.Process{Args: line, Environ: environ, Stdout: &out, Stderr: &log})
					visible(t, strings.Join(line, " ")+" on stdout", out.String())
					visible(t, strings.Join(line, " ")+" on stderr", log.String())
					if command.Name() != "ls" && out.Len()+log.Len() == 0 {
						t.Errorf("%q says nothing", line)
					}
				}
			}
		}
	}
	var out, log bytes.Buffer
	Worker(t.Context(), app.Process{Args: []string{"doctor"}, Environ: []string{"NIGHTSHIFT_REDIS=" + hostile, "NIGHTSHIFT_BUCKET=" + hostile}, Stdout: &out, Stderr: &log})
	Worker(t.Context(), app.Process{Args: []string{hostile}, Stdout: &out, Stderr: &log})
	visible(t, "worker", out.String()+log.String())
}

// jsonHostile is hostile as JSON and YAML write it.
const jsonHostile = `a\u001b[31m\u001b]0;owned\u0007b\u009b1mc\rd\b\u202ee\u2066f\u200b\u007fg`
