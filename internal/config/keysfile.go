package config

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/suggest"
)

// The fields of a keys file and of its parts.
var (
	keysFields        = []string{"version", "pools", "projects", "teams", "batches"}
	apiKeyFields      = []string{"id", "mode", "provider", "url", "auth", "key", "secret", "project", "team", "limits"}
	limitsFields      = []string{"requests_per_minute", "parallel", "cu", "timezone", "reset_day"}
	batchLimitsFields = []string{"cu", "timezone", "reset_day"}
	capsFields        = []string{"total", "day", "month"}
)

// keysReader reads the tree of a keys file and collects what is wrong with it.
type keysReader struct {
	document.Reader
	environ map[string]string
	keys    *Keys
	ids     map[string]document.Position
	// credentials are the keys' own texts and where they come from.
	credentials map[string]document.Position
}

// readFile fills the keys from the root of the file.
func (r *keysReader) readFile(root *document.Node) {
	if root.Kind == document.Null {
		r.Report(document.Position{}, "start with version: 1", "the keys file is empty")
		return
	}
	r.ids, r.credentials = make(map[string]document.Position), make(map[string]document.Position)
	r.Fields(root, "a keys file", keysFields, func(f *document.Field) {
		switch f.Name {
		case "version":
			if !f.Value.Scalar() || f.Value.Text != "1" {
				r.Report(f.Value.Position, "write version: 1", "this version is not known")
			}
		case "pools":
			r.readPools(&f.Value)
		case "projects":
			r.keys.Projects = r.readNamedLimits(&f.Value, "project", limitsFields)
		case "teams":
			r.keys.Teams = r.readNamedLimits(&f.Value, "team", limitsFields)
		case "batches":
			r.keys.Batches = r.readNamedLimits(&f.Value, ofBatch, batchLimitsFields)
		}
	})
	if root.Kind != document.Object {
		return
	}
	r.require(root, "a keys file", "version", "add version: 1 as the first line")
	r.require(root, "a keys file", "pools", "add pools: with a list of keys under default:")
}

func (r *keysReader) readPools(n *document.Node) {
	r.keys.Pools = make(map[string][]APIKey)
	r.Fields(n, "pools", nil, func(f *document.Field) {
		r.checkName(f.Position, f.Name, "the name of a pool", maxName)
		if !r.Expect(&f.Value, "a pool", document.List) {
			return
		}
		if len(f.Value.Children) == 0 {
			r.Report(f.Value.Position, "give it a key or take it out", "the pool is empty")
		}
		for i := range f.Value.Children {
			r.keys.Pools[f.Name] = append(r.keys.Pools[f.Name], r.readAPIKey(&f.Value.Children[i].Value))
		}
	})
	if n.Kind == document.Object && len(n.Children) == 0 {
		r.Report(n.Position, "add a list of keys under default:", "there is no pool")
	}
}

// ofBatch is what the limits of batches are for.
const ofBatch = "batch"

// readNamedLimits reads limits by the names of what they are for.
func (r *keysReader) readNamedLimits(n *document.Node, of string, known []string) map[string]Limits {
	named := make(map[string]Limits)
	r.Fields(n, "this block", nil, func(f *document.Field) {
		if of == ofBatch {
			r.checkBatchName(f.Position, f.Name)
		} else {
			r.checkName(f.Position, f.Name, "the name of a "+of, maxName)
		}
		named[f.Name] = r.readLimits(&f.Value, "the limits of a "+of, known)
	})
	return named
}

// The most that the names of the file may have, in bytes. A batch's name has no
// more than others.
const (
	maxID   = 60
	maxName = 80
)

var (
	safeName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	// safeBatchName is what manifests may be named, in any script.
	safeBatchName = regexp.MustCompile(`^[\p{L}\p{N}\p{M}._-]+$`)
)

// checkBatchName reports a name that no batch can have.
func (r *keysReader) checkBatchName(at document.Position, name string) {
	if len(name) > maxName || !safeBatchName.MatchString(name) {
		r.Report(at, "use letters, digits, - _ and ., at most "+strconv.Itoa(maxName), "this is not the name of a %s", ofBatch)
	}
}

// checkName reports a name that is unfit for logs, labels and Redis keys.
func (r *keysReader) checkName(at document.Position, name, what string, most int) {
	if len(name) > most || !safeName.MatchString(name) {
		r.Report(at, "use letters, digits, - _ and ., at most "+strconv.Itoa(most), "this is not %s", what)
	}
}

func (r *keysReader) readAPIKey(n *document.Node) APIKey {
	k := APIKey{Provider: ProviderScenario, Auth: AuthBasic}
	r.Fields(n, "a key", apiKeyFields, func(f *document.Field) {
		switch f.Name {
		case "id":
			k.ID = r.readID(&f.Value)
		case "mode":
			k.Mode = job.Mode(r.word(&f.Value, "mode", string(job.Test), string(job.Live)))
		case "provider":
			k.Provider = r.word(&f.Value, "provider", Providers...)
		case "url":
			k.URL = r.readURL(&f.Value)
		case "auth":
			k.Auth = Auth(r.word(&f.Value, "auth", string(AuthBasic), string(AuthKeyOnly)))
		case "key":
			k.Key = r.readCredential(&f.Value)
		case "secret":
			k.Secret = r.readSecret(&f.Value, "secret")
		case "project":
			k.Project = r.readName(&f.Value, "the id of a project", maxName)
		case "team":
			k.Team = r.readName(&f.Value, "the id of a team", maxName)
		case "limits":
			k.Limits = r.readLimits(&f.Value, "limits", limitsFields)
		}
	})
	if n.Kind == document.Object {
		r.checkAPIKey(n, &k)
	}
	return k
}

// checkAPIKey reports what is missing, and fields that contradict each other.
func (r *keysReader) checkAPIKey(n *document.Node, k *APIKey) {
	r.require(n, "a key", "id", "give it a name for logs and tables")
	r.require(n, "a key", "mode", "write mode: test or mode: live")
	r.require(n, "a key", "key", "write key: "+secretForm)
	secret := n.Get("secret")
	switch {
	case k.Auth == AuthBasic && secret == nil:
		r.require(n, "a key with auth basic", "secret", "write secret: "+secretForm+", or auth: "+string(AuthKeyOnly))
	case k.Auth == AuthKeyOnly && secret != nil:
		r.Report(secret.Position, "take it out, or write auth: basic", "a key with auth %s has no secret", AuthKeyOnly)
	}
	if k.Mode == job.Test && IsLiveURL(k.URL) {
		r.Report(n.Get("url").Position, "name a simulator, or write mode: live", "a key of mode test on the live API, where test batches would be paid")
	}
	if n.Get("url") == nil {
		switch k.Mode {
		case job.Live:
			k.URL = LiveURL
		case job.Test:
			r.require(n, "a key of mode test", "url", "name the API; a keys file never means the built-in simulator")
		}
	}
}

func (r *keysReader) readID(n *document.Node) string {
	id := r.readName(n, "an id", maxID)
	if id == "" {
		return ""
	}
	if first, taken := r.ids[id]; taken {
		r.Report(n.Position, "give each key its own", "this id stands twice, first in line %d", first.Line)
		return id
	}
	r.ids[id] = n.Position
	return id
}

func (r *keysReader) readURL(n *document.Node) string {
	written := r.text(n, "url")
	if written == "" {
		return ""
	}
	u, err := url.Parse(written)
	switch {
	// The error would quote the address.
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		r.Report(n.Position, "write an http or https address such as "+LiveURL, "url is not an address")
	case u.User != nil:
		r.Report(n.Position, "give them as key and secret", "url holds a user name or password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(written, "#"):
		r.Report(n.Position, "end it with the version, such as "+LiveURL, "url has more than a path")
	}
	return written
}

// word returns a text out of a closed list, or "" with a problem.
func (r *keysReader) word(n *document.Node, what string, words ...string) string {
	if n.Scalar() && slices.Contains(words, n.Text) {
		return n.Text
	}
	r.Report(n.Position, suggest.OneOf(n.Text, words), "this %s is not known", what)
	return ""
}
