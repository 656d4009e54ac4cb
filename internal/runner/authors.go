package runner

import (
	"maps"
	"slices"
	"sync"
)

// authors remembers what the provider calls our API keys: runs in its list name
// their author so. A key has several where its credential was changed.
type authors struct {
	mu    sync.Mutex
	known map[string][]string // by API key
}

func newAuthors() *authors { return &authors{known: make(map[string][]string)} }

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

// of is what the provider calls an API key.
func (a *authors) of(apiKey string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known[apiKey]
}

// Authors are what the provider calls our API keys, as far as it was seen.
func (r *Runner) Authors() map[string][]string {
	r.authors.mu.Lock()
	defer r.authors.mu.Unlock()
	return maps.Clone(r.authors.known)
}
