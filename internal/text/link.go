package text

import (
	"regexp"
	"strings"
)

// links matches a link as far as it goes in a text, also one that was taken for a path, which
// loses a slash. A scheme of one letter is a drive.
var links = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]+:/+[^\s"<>]+`)

// HideSecrets leaves out of each link in a text what may be secret: who may follow it, and
// behind the path its signature.
func HideSecrets(s string) string {
	if !strings.Contains(s, ":/") {
		return s
	}
	return links.ReplaceAllStringFunc(s, hideSecret)
}

// Shown is a text of a manifest as a message shows it: its first limit characters, without
// secrets.
func Shown(s string, limit int) string { return Shorten(HideSecrets(s), limit) }

func hideSecret(link string) string {
	end := len(strings.TrimRight(link, `'.,;:!)]}\`+"`…"))
	scheme, rest, _ := strings.Cut(link[:end], ":")
	path := strings.TrimLeft(rest, "/")
	slashes := rest[:len(rest)-len(path)]
	if at := strings.IndexAny(path, "?#"); at >= 0 {
		path = path[:at]
	}
	if len(slashes) <= len("//") { // what has more has no host
		path = withoutUser(path)
	}
	return scheme + ":" + slashes + path + link[end:]
}

// withoutUser cuts off user and password before a host. A password may hold a slash, which a
// host does not; then the host's port is no number.
func withoutUser(address string) string {
	host, _, _ := strings.Cut(address, "/")
	if at := strings.LastIndex(host, "@"); at >= 0 {
		return address[at+1:]
	}
	_, port, named := strings.Cut(host, ":")
	if at := strings.LastIndex(address, "@"); named && at >= 0 && strings.Trim(port, "0123456789") != "" {
		return address[at+1:]
	}
	return address
}
