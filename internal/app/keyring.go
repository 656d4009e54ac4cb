package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// keyring holds the API keys that a batch may use. Keys that were removed while
// they were in use stay, so that what they sent can be collected.
type keyring struct {
	open func(config.APIKey) (provider.Account, error)

	mu    sync.RWMutex
	rules *config.Keys
	keys  map[string]*ringKey // by id
	order []string            // of those that may be used
	// worlds are where keys of earlier runs worked, by id.
	worlds map[string]world
	// authors are what providers called keys under earlier credentials and in earlier
	// runs, by id.
	authors map[string][]string
}

// ringKey is one API key.
type ringKey struct {
	config.APIKey
	account provider.Account
	mark    string
	added   time.Time // when this credential was first heard of
	refused bool      // the API does not take it
}

// world is what a key sees: the runs of one project of one API. Without a project's
// name only the same credential is known to see the same.
type world struct {
	API     string `json:"api"` // "simulator" or a host
	Project string `json:"project,omitempty"`
	Team    string `json:"team,omitempty"`
	Mark    string `json:"mark,omitempty"` // tells credentials apart, see markOf
	// Authors are what the provider calls the key, as far as it was seen.
	Authors []string `json:"authors,omitempty"`
}

func (w world) same(other world) bool {
	return w.API == other.API && (w.Project != "" && w.Project == other.Project || w.Mark != "" && w.Mark == other.Mark)
}

// markOf is a short text by which a later run knows a credential again. It is cut
// off a digest, so that nothing can be worked out from it.
func markOf(key config.APIKey) string {
	sum := sha256.Sum256([]byte("nightshift key mark\x00" + key.Key.Reveal()))
	return hex.EncodeToString(sum[:6])
}

func newKeyring(open func(config.APIKey) (provider.Account, error), rules *config.Keys, pool []config.APIKey) (*keyring, error) {
	k := &keyring{open: open, rules: rules, keys: make(map[string]*ringKey), worlds: make(map[string]world), authors: make(map[string][]string)}
	for _, key := range pool {
		if err := k.add(key); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// add makes a key usable.
func (k *keyring) add(key config.APIKey) error {
	account, err := k.open(key)
	if err != nil {
		return fmt.Errorf("API key %s: %w", key.ID, err)
	}
	k.keys[key.ID] = &ringKey{APIKey: key, account: account, mark: markOf(key), added: time.Now()}
	k.order = append(k.order, key.ID)
	return nil
}

// replace takes over another content of the keys file; pool are the keys that the
// batch may use by it. It returns the ids of those whose credential changed. A key
// that moved to another API, project or team is an error: what it has sent could
// not be found again under its name.
func (k *keyring) replace(rules *config.Keys, pool []config.APIKey) (renewed []string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range pool {
		known := k.keys[key.ID]
		if known != nil && (known.Provider != key.Provider || known.URL != key.URL || known.Project != key.Project || known.Team != key.Team) {
			return nil, &job.HintedError{
				Err:  fmt.Errorf("API key %s has another provider, url, project or team than before, and is in use", key.ID),
				Hint: "give the changed key another id",
			}
		}
	}
	k.rules, k.order = rules, nil
	for _, key := range pool {
		known := k.keys[key.ID]
		if known != nil && known.Key == key.Key && known.Secret == key.Secret && known.Auth == key.Auth {
			known.APIKey = key
			k.order = append(k.order, key.ID)
			continue
		}
		if known != nil {
			k.authors[key.ID] = k.authorsOf(key.ID)
			renewed = append(renewed, key.ID)
		}
		if err := k.add(key); err != nil {
			return renewed, err
		}
	}
	return renewed, nil
}

// Provider is the API as a key opens it; see runner.APIKeys.
func (k *keyring) Provider(apiKey string, requests provider.Requests) (provider.Provider, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if key := k.keys[apiKey]; key != nil {
		return key.account.Limited(requests), nil
	}
	return nil, unknownKey(apiKey)
}

func unknownKey(apiKey string) error {
	return &job.HintedError{
		Err:  fmt.Errorf("API key %s is not known any more", apiKey),
		Hint: "put it back into the keys file, or a key of the same project",
	}
}

// Reader is the key with which to read what another has sent: the first usable one
// of its project, so that one list shows the runs of all its keys.
func (k *keyring) Reader(apiKey string) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	sees := k.known(apiKey)
	for _, id := range k.order {
		if !k.keys[id].refused && k.keys[id].world().same(sees) {
			return id
		}
	}
	return apiKey
}

// Authors are what the provider calls a key, and from when on it has had its present
// credential: always, where earlier runs had the same.
func (k *keyring) Authors(apiKey string) (authors []string, since time.Time) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if key := k.keys[apiKey]; key != nil && k.worlds[apiKey].Mark != key.mark {
		since = key.added
	}
	return k.authorsOf(apiKey), since
}

// authorsOf are the names of a key that were seen here or learned.
func (k *keyring) authorsOf(apiKey string) []string {
	authors := slices.Clone(k.authors[apiKey])
	if key := k.keys[apiKey]; key != nil {
		if n, can := key.account.(namer); can {
			authors = append(authors, n.Authors()...)
		}
	}
	slices.Sort(authors)
	return slices.Compact(authors)
}

// learn adds what the provider called keys in earlier runs.
func (k *keyring) learn(authors map[string][]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, names := range authors {
		k.authors[id] = append(k.authors[id], names...)
	}
}

// Account is the project and the team that a key counts in, or did in an earlier run.
func (k *keyring) Account(apiKey string) (project, team string) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	known := k.known(apiKey)
	return known.Project, known.Team
}

// known is what a key sees or saw; zero if it was never heard of.
func (k *keyring) known(apiKey string) world {
	if key := k.keys[apiKey]; key != nil {
		return key.world()
	}
	return k.worlds[apiKey]
}

func (k *ringKey) world() world {
	return world{API: hostOf(k.URL), Project: k.Project, Team: k.Team, Mark: k.mark}
}

// worldOf is what a key that is not in the ring yet will see.
func worldOf(key config.APIKey) world {
	return world{API: hostOf(key.URL), Project: key.Project, Team: key.Team, Mark: markOf(key)}
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// remember notes where keys worked first; what is known of one stays.
func (k *keyring) remember(worlds map[string]world) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, w := range worlds {
		if _, known := k.worlds[id]; !known {
			k.worlds[id] = w
		}
	}
}

// allWorlds are those of earlier runs and of all keys that may be used now.
func (k *keyring) allWorlds() map[string]world {
	k.mu.RLock()
	defer k.mu.RUnlock()
	all := make(map[string]world, len(k.worlds)+len(k.keys))
	maps.Copy(all, k.worlds)
	for id, key := range k.keys {
		w := key.world()
		w.Authors = all[id].Authors
		if seen := k.authorsOf(id); len(seen) > 0 {
			w.Authors = seen
		}
		all[id] = w
	}
	return all
}

// refuse notes that the API does not take a key, so that others read for it. It
// reports whether that is news.
func (k *keyring) refuse(apiKey string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := k.keys[apiKey]
	if key == nil || key.refused {
		return false
	}
	key.refused = true
	return true
}

// usable are the keys for new jobs, in the file's order.
func (k *keyring) usable(avoid []string) []*ringKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var keys []*ringKey
	for _, id := range k.order {
		if !slices.Contains(avoid, id) {
			key := *k.keys[id]
			keys = append(keys, &key)
		}
	}
	return keys
}

// first is the key to ask for models and prices with.
func (k *keyring) first() string {
	for _, key := range k.usable(nil) {
		if !key.refused {
			return key.ID
		}
	}
	return ""
}

// find returns a key by its id, removed ones too; nil if it was never known here.
func (k *keyring) find(apiKey string) *ringKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if key := k.keys[apiKey]; key != nil {
		copied := *key
		return &copied
	}
	return nil
}

// limits are those of projects, teams and batches that are in force.
func (k *keyring) limits() *config.Keys {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.rules
}

// close closes idle connections.
func (k *keyring) close() error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, key := range k.keys {
		key.account.Close()
	}
	return nil
}
