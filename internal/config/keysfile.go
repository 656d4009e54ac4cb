package config

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/job"
)

// The fields of a keys file and of its parts.
var (
	keysFields        = []string{"version", "pools", "projects", "teams", "batches"}
	apiKeyFields      = []string{"id", "mode", "url", "auth", "key", "secret", "project", "team", "limits"}
	limitsFields      = []string{"requests_per_minute", "parallel", "cu", "timezone", "reset_day"}
	batchLimitsFields = []string{"cu", "timezone", "reset_day"}
	capsFields        = []string{"total", "day", "month"}
)

// keysReader reads the tree of a keys file and collects what is wrong with it.
type keysReader struct {
	complaints
	environ map[string]string
	keys    *Keys
	ids     map[string]place
	// credentials are the keys' own texts and where they come from.
	credentials map[string]place
}

// readFile fills the keys from the root of the file.
func (r *keysReader) readFile(root *node) {
	if root.kind == nothing {
		r.add(place{}, "start with version: 1", "the keys file is empty")
		return
	}
	r.ids, r.credentials = make(map[string]place), make(map[string]place)
	r.fields(root, "a keys file", keysFields, func(f *field) {
		switch f.name {
		case "version":
			if f.value.kind != single || f.value.text != "1" {
				r.add(f.value.place, "write version: 1", "this version is not known")
			}
		case "pools":
			r.readPools(&f.value)
		case "projects":
			r.keys.Projects = r.readNamedLimits(&f.value, "project", limitsFields)
		case "teams":
			r.keys.Teams = r.readNamedLimits(&f.value, "team", limitsFields)
		case "batches":
			r.keys.Batches = r.readNamedLimits(&f.value, "batch", batchLimitsFields)
		}
	})
	if root.kind != group {
		return
	}
	r.require(root, "a keys file", "version", "add version: 1 as the first line")
	r.require(root, "a keys file", "pools", "add pools: with a list of keys under default:")
}

func (r *keysReader) readPools(n *node) {
	r.keys.Pools = make(map[string][]APIKey)
	r.fields(n, "pools", nil, func(f *field) {
		r.checkName(f.place, f.name, "the name of a pool", maxName)
		if !r.expect(&f.value, "a pool", list) {
			return
		}
		if len(f.value.fields) == 0 {
			r.add(f.value.place, "give it a key or take it out", "the pool is empty")
		}
		for i := range f.value.fields {
			r.keys.Pools[f.name] = append(r.keys.Pools[f.name], r.readAPIKey(&f.value.fields[i].value))
		}
	})
	if n.kind == group && len(n.fields) == 0 {
		r.add(n.place, "add a list of keys under default:", "there is no pool")
	}
}

// readNamedLimits reads limits by the names of what they are for.
func (r *keysReader) readNamedLimits(n *node, of string, known []string) map[string]Limits {
	named := make(map[string]Limits)
	r.fields(n, "this block", nil, func(f *field) {
		r.checkName(f.place, f.name, "the name of a "+of, maxName)
		named[f.name] = r.readLimits(&f.value, "the limits of a "+of, known)
	})
	return named
}

// The most that the names of the file may have, in bytes. A batch's name has no
// more than others.
const (
	maxID   = 60
	maxName = 80
)

var safeName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// checkName reports a name that is unfit for logs, labels and Redis keys.
func (r *keysReader) checkName(at place, name, what string, most int) {
	if len(name) > most || !safeName.MatchString(name) {
		r.add(at, "use letters, digits, - _ and ., at most "+strconv.Itoa(most), "this is not %s", what)
	}
}

func (r *keysReader) readAPIKey(n *node) APIKey {
	k := APIKey{Auth: AuthBasic}
	r.fields(n, "a key", apiKeyFields, func(f *field) {
		switch f.name {
		case "id":
			k.ID = r.readID(&f.value)
		case "mode":
			k.Mode = job.Mode(r.word(&f.value, "mode", string(job.Test), string(job.Live)))
		case "url":
			k.URL = r.readURL(&f.value)
		case "auth":
			k.Auth = Auth(r.word(&f.value, "auth", string(AuthBasic), string(AuthKeyOnly)))
		case "key":
			k.Key = r.readCredential(&f.value)
		case "secret":
			k.Secret = r.readSecret(&f.value, "secret")
		case "project":
			k.Project = r.readName(&f.value, "the id of a project", maxName)
		case "team":
			k.Team = r.readName(&f.value, "the id of a team", maxName)
		case "limits":
			k.Limits = r.readLimits(&f.value, "limits", limitsFields)
		}
	})
	if n.kind == group {
		r.checkAPIKey(n, &k)
	}
	return k
}

// checkAPIKey reports what is missing, and fields that contradict each other.
func (r *keysReader) checkAPIKey(n *node, k *APIKey) {
	r.require(n, "a key", "id", "give it a name for logs and tables")
	r.require(n, "a key", "mode", "write mode: test or mode: live")
	r.require(n, "a key", "key", "write key: "+secretForm)
	secret := n.get("secret")
	switch {
	case k.Auth == AuthBasic && secret == nil:
		r.require(n, "a key with auth basic", "secret", "write secret: "+secretForm+", or auth: "+string(AuthKeyOnly))
	case k.Auth == AuthKeyOnly && secret != nil:
		r.add(secret.place, "take it out, or write auth: basic", "a key with auth %s has no secret", AuthKeyOnly)
	}
	if n.get("url") == nil {
		switch k.Mode {
		case job.Live:
			k.URL = LiveURL
		case job.Test:
			r.require(n, "a key of mode test", "url", "name the API; a keys file never means the built-in simulator")
		}
	}
}

func (r *keysReader) readID(n *node) string {
	id := r.readName(n, "an id", maxID)
	if id == "" {
		return ""
	}
	if first, taken := r.ids[id]; taken {
		r.add(n.place, "give each key its own", "this id stands twice, first in line %d", first.line)
		return id
	}
	r.ids[id] = n.place
	return id
}

func (r *keysReader) readURL(n *node) string {
	written := r.text(n, "url")
	if written == "" {
		return ""
	}
	u, err := url.Parse(written)
	switch {
	// The error would quote the address.
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		r.add(n.place, "write an http or https address such as "+LiveURL, "url is not an address")
	case u.User != nil:
		r.add(n.place, "give them as key and secret", "url holds a user name or password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(written, "#"):
		r.add(n.place, "end it with the version, such as "+LiveURL, "url has more than a path")
	}
	return written
}

// word returns a text out of a closed list, or "" after a complaint.
func (r *keysReader) word(n *node, what string, words ...string) string {
	if n.kind == single && slices.Contains(words, n.text) {
		return n.text
	}
	r.add(n.place, oneOf(n.text, words), "this %s is not known", what)
	return ""
}
