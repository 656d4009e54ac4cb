package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxSecretFile bounds a secret file in bytes.
const maxSecretFile = 4 << 10

// secretForm is how a secret is written.
const secretForm = "{env: NAME} or {file: PATH}"

var secretFields = []string{"env", "file"}

// readCredential returns the text that the API knows a key by, and reports one that
// the file has already.
func (r *keysReader) readCredential(n *node) Secret {
	key := r.readSecret(n, "key")
	if key == "" {
		return ""
	}
	if strings.Contains(key.Reveal(), ":") {
		r.add(n.place, "see whether it is key and secret in one", "the key has a colon, which ends the user name in basic authentication")
	}
	if first, taken := r.credentials[key.Reveal()]; taken {
		r.add(n.place, "keep one", "this is the same API key as in line %d, and its limits would count double", first.line)
		return key
	}
	r.credentials[key.Reveal()] = n.place
	return key
}

// readSecret returns the secret that a field refers to, or "" after a complaint.
func (r *keysReader) readSecret(n *node, what string) Secret {
	if n.kind != group {
		r.add(n.place, "write "+what+": "+secretForm, "the %s must not stand in the keys file itself", what)
		return ""
	}
	if n.get("env") != nil && n.get("file") != nil || len(n.fields) == 0 {
		r.add(n.place, "write "+what+": "+secretForm, "the %s needs one place to come from", what)
		return ""
	}
	var secret string
	r.fields(n, "the "+what, secretFields, func(f *field) {
		from := r.text(&f.value, f.name)
		switch {
		case from == "":
		case f.name == "env":
			secret = r.fromVariable(f.value.place, from)
		default:
			secret = r.fromFile(f.value.place, from)
		}
	})
	return Secret(secret)
}

// plainVariable matches what is the name of a variable beyond doubt. Other names
// are not shown, since somebody may have written the secret itself.
var plainVariable = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)

func (r *keysReader) fromVariable(at place, name string) string {
	shown := "the environment variable that is named here"
	if plainVariable.MatchString(name) {
		shown = "the environment variable " + name
	}
	value, set := r.environ[name]
	switch {
	case !set:
		r.add(at, "set it where this program is started", "%s is not set", shown)
	case value == "":
		r.add(at, "set it where this program is started", "%s is empty", shown)
	}
	return value
}

func (r *keysReader) fromFile(at place, written string) string {
	path := written
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(r.path), written)
	}
	content, err := readRegular(path, maxSecretFile)
	if err != nil {
		r.add(at, "", "%s cannot be read: %v", shownFile(written, path), err)
		return ""
	}
	secret, ended := strings.CutSuffix(content, "\n")
	if ended {
		secret = strings.TrimSuffix(secret, "\r")
	}
	if secret == "" {
		r.add(at, "write the secret into it", "the secret file %s is empty", path)
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
