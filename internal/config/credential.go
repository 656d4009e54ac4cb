package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"nightshift/internal/document"
)

// maxSecretFile bounds a secret file in bytes.
const maxSecretFile = 4 << 10

// secretForm is how a secret is written.
const secretForm = "{env: NAME} or {file: PATH}"

var secretFields = []string{"env", "file"}

// readCredential returns the text that the API knows a key by, and reports one that
// the file has already.
func (r *keysReader) readCredential(n *document.Node) Secret {
	key := r.readSecret(n, "key")
	if key == "" {
		return ""
	}
	if strings.Contains(key.Reveal(), ":") {
		r.Report(n.Position, "see whether it is key and secret in one", "the key has a colon, which ends the user name in basic authentication")
	}
	if first, taken := r.credentials[key.Reveal()]; taken {
		r.Report(n.Position, "keep one", "this is the same API key as in line %d, and its limits would count double", first.Line)
		return key
	}
	r.credentials[key.Reveal()] = n.Position
	return key
}

// readSecret returns the secret that a field refers to, or "" with a problem.
func (r *keysReader) readSecret(n *document.Node, what string) Secret {
	if n.Kind != document.Object {
		r.Report(n.Position, "write "+what+": "+secretForm, "the %s must not stand in the keys file itself", what)
		return ""
	}
	if n.Get("env") != nil && n.Get("file") != nil || len(n.Children) == 0 {
		r.Report(n.Position, "write "+what+": "+secretForm, "the %s needs one place to come from", what)
		return ""
	}
	var secret string
	r.Fields(n, "the "+what, secretFields, func(f *document.Field) {
		from := r.text(&f.Value, f.Name)
		switch {
		case from == "":
		case f.Name == "env":
			secret = r.fromVariable(f.Value.Position, from)
		default:
			secret = r.fromFile(f.Value.Position, from)
		}
	})
	return Secret(secret)
}

// plainVariable matches what is the name of a variable beyond doubt. Other names
// are not shown, since somebody may have written the secret itself.
var plainVariable = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)

func (r *keysReader) fromVariable(at document.Position, name string) string {
	shown := "the environment variable that is named here"
	if plainVariable.MatchString(name) {
		shown = "the environment variable " + name
	}
	value, set := r.environ[name]
	switch {
	case !set:
		r.Report(at, "set it where this program is started", "%s is not set", shown)
	case value == "":
		r.Report(at, "set it where this program is started", "%s is empty", shown)
	}
	return value
}

func (r *keysReader) fromFile(at document.Position, written string) string {
	path := written
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(r.File), written)
	}
	content, err := readRegular(path, maxSecretFile)
	if err != nil {
		r.Report(at, "", "%s cannot be read: %v", shownFile(written, path), err)
		return ""
	}
	secret, ended := strings.CutSuffix(content, "\n")
	if ended {
		secret = strings.TrimSuffix(secret, "\r")
	}
	if secret == "" {
		r.Report(at, "write the secret into it", "the secret file %s is empty", path)
	}
	return secret
}

// shownFile names a secret file that cannot be read, unless what is written may be
// the secret itself: nothing in it looks like a path, and there is no such file.
func shownFile(written, path string) string {
	if filepath.IsAbs(written) || strings.Contains(written, ".") || exists(path) {
		return "the secret file " + path
	}
	return "the secret file that is named here, beside the keys file,"
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
