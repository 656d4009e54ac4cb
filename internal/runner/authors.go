package runner

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// authors remembers what the provider calls our API keys: runs in its list name
// their author so.
type authors struct {
	mu    sync.Mutex
	known map[string][]string // by API key; several where its credential was changed
	// since is when the present credential of a key came into use; before, the key
	// may have had another name.
	since map[string]time.Time
	began time.Time // for keys that are not in since
}

func newAuthors() *authors {
	return &authors{known: make(map[string][]string), since: make(map[string]time.Time), began: time.Now()}
}

// learn adds what the provider calls a key.
func (a *authors) learn(apiKey, author string) {
	if author == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.known[apiKey], author) {
		a.known[apiKey] = append(slices.Clone(a.known[apiKey]), author)
	}
}

// Renewed tells the runner that an API key has another credential from now on, so
// that the provider may call it by another name.
func (r *Runner) Renewed(apiKey string) {
	r.authors.mu.Lock()
	defer r.authors.mu.Unlock()
	r.authors.since[apiKey] = time.Now()
}

// Authors are what the provider calls our API keys, as far as it was seen.
func (r *Runner) Authors() map[string][]string {
	r.authors.mu.Lock()
	defer r.authors.mu.Unlock()
	return maps.Clone(r.authors.known)
}

// authorsOf is what the provider calls an API key, and since when that is all.
func (r *Runner) authorsOf(apiKey string) (known []string, since time.Time) {
	r.authors.mu.Lock()
	defer r.authors.mu.Unlock()
	since, renewed := r.authors.since[apiKey]
	if !renewed {
		since = r.authors.began
	}
	return r.authors.known[apiKey], since
}
