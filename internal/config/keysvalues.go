package config

import "nightshift/internal/document"

func (r *keysReader) require(n *document.Node, what, name, suggestion string) {
	if n.Get(name) == nil {
		r.Report(n.Position, suggestion, "%s needs %s", what, name)
	}
}

// text returns a single value as it stands, or "" with a problem.
func (r *keysReader) text(n *document.Node, what string) string {
	if n.Scalar() && n.Text == "" {
		r.Report(n.Position, "", "%s is empty", what)
		return ""
	}
	return r.Text(n, what)
}

// readName returns a name of at most that many bytes, or "" with a problem.
func (r *keysReader) readName(n *document.Node, what string, most int) string {
	name := r.text(n, what)
	if name != "" {
		r.checkName(n.Position, name, what, most)
	}
	return name
}
