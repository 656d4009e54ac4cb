package document

import (
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// checkPlain tells of a comment that cuts a plain text where its writer may have
// meant the text to go on: "color #ff0000 fox". A comment that looks like one, behind
// two blanks or a single word and with a blank after its #, is left alone.
func (r *yamlReader) checkPlain(n *yaml.Node) {
	rest := r.source.afterPlain(positionOf(n), n.Value)
	comment := strings.TrimLeft(rest, " \t")
	if !strings.HasPrefix(comment, "#") || PlainKind(n.Value) != Text {
		return
	}
	blanks := len(rest) - len(comment)
	looksLikeOne := strings.HasPrefix(comment, "# ") || strings.HasPrefix(comment, "#\t") || strings.HasPrefix(comment, "##")
	if looksLikeOne && (blanks > 1 || !strings.Contains(n.Value, " ")) {
		return
	}
	r.doubt(positionOf(n), "quote the text if it goes on; write two blanks before the # and one behind it if not",
		"# begins a comment here, and the text ends before it")
}

// escapesInDoubt are the escapes that YAML knows and no prompt wants.
const escapesInDoubt = `abefv0NLP_`

// checkQuoted tells of escapes that are hardly meant: those of characters that cannot
// be seen, and any behind the colon of a Windows drive.
func (r *yamlReader) checkQuoted(n *yaml.Node) {
	written := r.source.inQuotes(positionOf(n))
	for at := strings.IndexByte(written, '\\'); at >= 0 && at+1 < len(written); {
		escape := written[at+1]
		drive := at > 1 && written[at-1] == ':' && isLetter(written[at-2]) && (at == 2 || !isLetter(written[at-3]))
		colour := strings.HasPrefix(written[at:], `\e[`) // of a terminal, which is what it says
		if strings.IndexByte(escapesInDoubt, escape) >= 0 && !colour || drive && strings.IndexByte("nrtux", escape) >= 0 {
			r.doubt(positionOf(n), `write \\ for a backslash, or put the text in single quotes`,
				`in double quotes \`+string(escape)+` is a character of its own, and no backslash`)
			return
		}
		next := strings.IndexByte(written[at+2:], '\\')
		if next < 0 {
			return
		}
		at += 2 + next
	}
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// checkField refuses a field without colon and value in a group in braces: it is the
// rest of a text that a comma has cut.
func (r *yamlReader) checkField(group, name, value *yaml.Node) *SyntaxError {
	if group.Style&yaml.FlowStyle == 0 || value.Kind != yaml.ScalarNode || value.Value != "" || value.Style != 0 {
		return nil
	}
	at := positionOf(name)
	if r.source.hasColon(at, positionOf(value)) {
		return nil
	}
	if before, after, found := strings.Cut(name.Value, ":"); found && name.Style == 0 && after != "" {
		fault := failQuoting(at, `"`+name.Value+`" has no blank behind its colon, and is a name without a value`, "a colon has no blank behind it")
		fault.Suggestion = "write " + before + ": " + after
		return fault
	}
	fault := failQuoting(at, `"`+name.Value+`" is a field without a value`, "this is a field without a value")
	if len(group.Content) == 2 && name.Style == 0 {
		fault.Suggestion = "if the braces belong to a text, quote it"
		return fault
	}
	fault.Suggestion = "if it belongs to the text before the comma, quote the text: it holds a comma"
	return fault
}
