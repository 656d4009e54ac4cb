package document

import (
	"errors"
	"fmt"
	"io"
	"strings"

	yaml "go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Doubt is told what in a file is right as YAML and yet hardly what its writer
// meant.
type Doubt func(at Position, suggestion, message string)

// YAML reads the content of a file as one YAML document; without any it is Null. JSON
// is YAML too. The error is a *[SyntaxError].
func YAML(content string) (Node, error) {
	return YAMLInDoubt(content, func(Position, string, string) {})
}

// YAMLInDoubt is [YAML], and tells of what reads otherwise than it looks.
func YAMLInDoubt(content string, doubt Doubt) (root Node, err error) {
	src, err := clean(content)
	if err != nil {
		return Node{}, err
	}
	// The parser is another's and meets whatever people write. A fault in it is
	// a file that cannot be read, not the end of the process.
	defer func() {
		if cause := recover(); cause != nil {
			root, err = Node{}, &SyntaxError{Position: Position{1, 1}, Message: unreadable}
		}
	}()
	src, restore := shield(withoutVersion(src))
	body, err := onlyBody(src)
	if err != nil {
		return Node{}, withFurther(src, err)
	}
	if body == nil {
		return Node{}, nil
	}
	reader := yamlReader{source: newSource(src), restore: restore, doubt: doubt, anchors: map[*yaml.Node]anchored{}}
	if root, _, err = reader.read(body); err != nil {
		return Node{}, err
	}
	return root, joined(reader.faults)
}

// mostFaults bounds how many faults of one text are told.
const mostFaults = 20

// joined is the first of the faults with the others, or nil.
func joined(faults []*SyntaxError) error {
	if len(faults) == 0 {
		return nil
	}
	faults[0].More = faults[1:]
	return faults[0]
}

// withFurther finds further escapes that are none, where one ends the reading: who writes
// one path in double quotes writes several.
func withFurther(src string, err error) error {
	var faults []*SyntaxError
	for len(faults) < mostFaults {
		fault, ok := errors.AsType[*SyntaxError](err)
		if !ok || !fault.escape {
			break
		}
		faults = append(faults, fault)
		slash := newSource(src).offset(fault.Position)
		src = src[:slash] + "/" + src[slash+1:]
		if _, err = onlyBody(src); err == nil {
			break
		}
	}
	if len(faults) == 0 {
		return err
	}
	return joined(faults)
}

// onlyBody returns what the one document of the file holds, or nil.
func onlyBody(src string) (*yaml.Node, error) {
	// Repeated names are reported with everything else that is wrong.
	loader, err := yaml.NewLoader(strings.NewReader(src),
		yaml.WithUniqueKeys(false), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		return nil, fmt.Errorf("make a YAML reader: %w", err)
	}
	var body *yaml.Node
	for {
		var document yaml.Node
		err := loader.Load(&document)
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return nil, yamlFault(src, err)
		}
		for _, next := range document.Content {
			empty := next.Kind == yaml.ScalarNode && next.Value == "" && next.Style == 0
			if body != nil && !empty {
				return nil, failAt(positionOf(next), "a second document starts here; the file must be one document")
			}
			if body == nil && !empty {
				body = next
			}
		}
	}
}

// withoutVersion makes a comment of a first line such as %YAML 1.2: the parser knows the
// directive of 1.1 only, and reads both alike.
func withoutVersion(src string) string {
	if rest, found := strings.CutPrefix(src, "%YAML 1."); found {
		return "#YAML 1." + rest
	}
	return src
}

// oldBreaks are characters that end a line in YAML 1.1, as the parser has it, and none
// in YAML 1.2.
var oldBreaks = []string{"\u0085", "\u2028", "\u2029"}

// shield puts characters that the text does not have in place of the old line breaks,
// and returns what undoes that.
func shield(src string) (string, *strings.Replacer) {
	var there, back []string
	standIn := '\ue000' // the first of those for private use
	for _, old := range oldBreaks {
		if !strings.Contains(src, old) {
			continue
		}
		for strings.ContainsRune(src, standIn) {
			standIn++
		}
		there, back = append(there, old, string(standIn)), append(back, string(standIn), old)
		standIn++
	}
	return strings.NewReplacer(there...).Replace(src), strings.NewReplacer(back...)
}

// failAt makes an error whose message holds no part of the file.
func failAt(at Position, message string) *SyntaxError {
	return &SyntaxError{Position: at, Message: message}
}

// failQuoting makes an error whose message holds a part of the file, with what it
// says without it.
func failQuoting(at Position, message, unquoted string) *SyntaxError {
	return &SyntaxError{Position: at, Message: message, Unquoted: unquoted}
}

func positionOf(n *yaml.Node) Position {
	return Position{Line: int32(n.Line), Column: int32(n.Column)}
}
