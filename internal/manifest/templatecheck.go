package manifest

import (
	"slices"
	"strings"
)

// checkTemplates reports variables that no row can have. Where the items are not
// known before they are read, each row is asked.
func (h *headerReader) checkTemplates() {
	def := &h.m.def
	if def.items == nil {
		return
	}
	known, all := def.items.variables()
	if !all {
		return
	}
	for _, v := range def.defaults.variables {
		known = append(known, v.name)
	}
	known = append(append(known, def.grid.names()...), "id", "model")
	if len(def.styles) > 0 && !slices.Contains(known, styleAxis) {
		known = append(known, styleAxis)
	}
	for _, l := range []*layer{&def.header, &def.defaults} {
		h.checkTemplate(l, "prompt", l.prompt, known)
		h.checkTemplate(l, "output", l.output, append(slices.Clone(known), openNumber, openExt, openHash))
	}
	for _, s := range def.styles {
		// A style is the text of {style} itself.
		own := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return name == styleAxis })
		h.checkTemplate(&s.layer, "text", s.text, own)
	}
}

func (h *headerReader) checkTemplate(l *layer, name, raw string, known []string) {
	_, faults := fill(raw, func(variable string) (string, bool) {
		// Whether a row has them is seen in the row.
		lateKnown := variable == seedAxis || strings.HasPrefix(variable, parameterPrefix)
		return "", lateKnown || slices.Contains(known, variable)
	})
	at, found := l.where(name)
	if !found {
		at = l.place
	}
	for _, f := range faults {
		h.ReportAt(at, f.suggestion(known), "%s", f.message)
	}
	if name == "output" && raw != "" && len(faults) == 0 {
		if message, suggestion := templateFault(raw); message != "" {
			h.ReportAt(at, suggestion, "%s", message)
		}
	}
}
