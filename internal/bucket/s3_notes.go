package bucket

import "sync"

// note is what this process knows of a key for its next put.
type note struct {
	etag   string // of another image that is there and is to be replaced
	buffer bool   // streaming it failed
}

// maxNotes bounds what is remembered; a note that is lost costs another try.
const maxNotes = 4096

// notes are taken when a put could not do its work and used up by the next.
type notes struct {
	mu    sync.Mutex
	known map[string]note
}

func (n *notes) put(key string, what note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[string]note{}
	}
	if len(n.known) >= maxNotes {
		for any := range n.known {
			delete(n.known, any)
			break
		}
	}
	n.known[key] = what
}

func (n *notes) take(key string) note {
	n.mu.Lock()
	defer n.mu.Unlock()
	what := n.known[key]
	delete(n.known, key)
	return what
}
