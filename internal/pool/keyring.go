package pool

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// Keyring holds the API keys that a batch may use. Keys that were removed while
// they were in use stay, so that what they sent can be collected.
type Keyring struct {
	open func(config.APIKey) (provider.Account, error)

	mu    sync.RWMutex
	Rules *config.Keys
	Keys  map[string]*Key // by id
	order []string        // of those that may be used
	// Origins are where keys of earlier runs worked, by id.
	Origins map[string]batch.KeyOrigin
	// providerKeyIDs are what providers called keys under earlier credentials and in earlier
	// runs, by id.
	providerKeyIDs map[string][]string
}

// Key is one API key.
type Key struct {
	config.APIKey
	Account     provider.Account
	host        string // of its API
	fingerprint string
	added       time.Time // when this credential was first seen
	refusals    refusals
	lacks       map[job.Action]*lack
}

// lack is something that a key was refused.
type lack struct {
	refusal *job.ScopeError
	times   int       // that it was, in succession
	tried   time.Time // when that was last seen, or tried again
}

// fingerprintOf is a short text by which a later run knows a credential again. It is cut
// off a digest, so that nothing can be worked out from it.
func fingerprintOf(key config.APIKey) string {
	sum := sha256.Sum256([]byte("nightshift key mark\x00" + key.Key.Reveal()))
	return hex.EncodeToString(sum[:6])
}

// NewKeyring opens the keys of a pool. rules are the limits of the whole keys file. The
// error names the key that cannot be opened.
func NewKeyring(open func(config.APIKey) (provider.Account, error), rules *config.Keys, pool []config.APIKey) (*Keyring, error) {
	k := &Keyring{open: open, Rules: rules, Keys: make(map[string]*Key), Origins: make(map[string]batch.KeyOrigin), providerKeyIDs: make(map[string][]string)}
	for _, key := range pool {
		if err := k.add(key); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// add makes a key usable.
func (k *Keyring) add(key config.APIKey) error {
	account, err := k.open(key)
	if err != nil {
		return fmt.Errorf("API key %s: %w", key.ID, err)
	}
	k.Keys[key.ID] = &Key{APIKey: key, Account: account, host: HostOf(key.URL), fingerprint: fingerprintOf(key), added: time.Now(), lacks: make(map[job.Action]*lack)}
	k.order = append(k.order, key.ID)
	return nil
}

// Replace takes over another content of the keys file; pool are the keys that the
// batch may use by it. It returns the ids of those whose credential changed. A key
// that moved to another API, project or team is an error: what it has sent could
// not be found again under its name.
func (k *Keyring) Replace(rules *config.Keys, pool []config.APIKey) (renewed []string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range pool {
		known := k.Keys[key.ID]
		if known != nil && (known.Provider != key.Provider || known.URL != key.URL || known.Project != key.Project || known.Team != key.Team) {
			return nil, &job.HintedError{
				Err:  fmt.Errorf("API key %s has another provider, url, project or team than before, and is in use", key.ID),
				Hint: "give the changed key another id",
			}
		}
	}
	k.Rules, k.order = rules, nil
	for _, key := range pool {
		known := k.Keys[key.ID]
		if known != nil && known.Key == key.Key && known.Secret == key.Secret && known.Auth == key.Auth {
			known.APIKey = key
			k.order = append(k.order, key.ID)
			continue
		}
		if known != nil {
			k.providerKeyIDs[key.ID] = k.providerKeyIDsOf(key.ID)
			renewed = append(renewed, key.ID)
		}
		if err := k.add(key); err != nil {
			return renewed, err
		}
	}
	return renewed, nil
}

// Provider is the API as a key opens it; see runner.APIKeys. What the key may not read,
// others of its project read.
func (k *Keyring) Provider(apiKey string, requests provider.Requests) (provider.Provider, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if key := k.Keys[apiKey]; key != nil {
		return &projectReader{Provider: key.Account.Limited(requests), keys: k, apiKey: apiKey, requests: requests}, nil
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
func (k *Keyring) Reader(apiKey string) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	sees := k.known(apiKey)
	for _, id := range k.order {
		if !k.Keys[id].refusals.stand() && k.Keys[id].Origin().Same(sees) {
			return id
		}
	}
	return apiKey
}

// ProviderKeyIDs are what the provider calls a key, and from when on it has had its present
// credential: always, where earlier runs had the same.
func (k *Keyring) ProviderKeyIDs(apiKey string) (authors []string, since time.Time) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if key := k.Keys[apiKey]; key != nil && k.Origins[apiKey].Fingerprint != key.fingerprint {
		since = key.added
	}
	return k.providerKeyIDsOf(apiKey), since
}

// providerKeyIDsOf are the names of a key that were seen here or learned.
func (k *Keyring) providerKeyIDsOf(apiKey string) []string {
	authors := slices.Clone(k.providerKeyIDs[apiKey])
	if key := k.Keys[apiKey]; key != nil {
		if n, can := key.Account.(app.Namer); can {
			authors = append(authors, n.ProviderKeyIDs()...)
		}
	}
	slices.Sort(authors)
	return slices.Compact(authors)
}

// Learn adds what the provider calls keys, as earlier runs and other workers have seen it.
func (k *Keyring) Learn(authors map[string][]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, names := range authors {
		for _, name := range names {
			if !slices.Contains(k.providerKeyIDs[id], name) {
				k.providerKeyIDs[id] = append(k.providerKeyIDs[id], name)
			}
		}
	}
}

// Seen are what the provider was seen to call keys here, by key and credential.
func (k *Keyring) Seen() map[string][]string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	seen := make(map[string][]string, len(k.Keys))
	for _, key := range k.Keys {
		if n, can := key.Account.(app.Namer); can {
			seen[key.mark()] = n.ProviderKeyIDs()
		}
	}
	return seen
}

// LearnSeen adds what others have seen of keys with the same credential.
func (k *Keyring) LearnSeen(seen map[string][]string) {
	ours := make(map[string][]string)
	k.mu.RLock()
	for id, key := range k.Keys {
		ours[id] = seen[key.mark()]
	}
	k.mu.RUnlock()
	k.Learn(ours)
}

// mark is a key under its present credential: under another it has another name.
func (k *Key) mark() string { return k.ID + " " + k.fingerprint }

// Account is the project and the team that a key counts in, or did in an earlier run.
func (k *Keyring) Account(apiKey string) (project, team string) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	known := k.known(apiKey)
	return known.Project, known.Team
}

// Origin is what a key sees or saw; zero if it is unknown.
func (k *Keyring) Origin(apiKey string) batch.KeyOrigin {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.known(apiKey)
}

// Uploader is the API as a key opens it, to give pictures to; its requests are counted.
func (k *Keyring) Uploader(apiKey string, requests provider.Requests) (provider.Uploader, error) {
	key := k.Find(apiKey)
	if key == nil {
		return nil, unknownKey(apiKey)
	}
	uploader, can := key.Account.Limited(requests).(provider.Uploader)
	if !can {
		return nil, &job.HintedError{Err: fmt.Errorf("the API of key %s takes no pictures", apiKey), Hint: "use another API for jobs that take pictures"}
	}
	return uploader, nil
}

// known is what a key sees or saw; zero if it is unknown.
func (k *Keyring) known(apiKey string) batch.KeyOrigin {
	if key := k.Keys[apiKey]; key != nil {
		return key.Origin()
	}
	return k.Origins[apiKey]
}

// Origin is what the key sees.
func (k *Key) Origin() batch.KeyOrigin {
	return batch.KeyOrigin{API: k.host, Project: k.Project, Team: k.Team, Fingerprint: k.fingerprint}
}

// OriginOf is what a key that is not in the ring yet will see.
func OriginOf(key config.APIKey) batch.KeyOrigin {
	return batch.KeyOrigin{API: HostOf(key.URL), Project: key.Project, Team: key.Team, Fingerprint: fingerprintOf(key)}
}

// HostOf is the host of an API's address, for people and to tell APIs apart; the address
// itself where it names none.
func HostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// Remember notes where keys worked first; what is known of one stays.
func (k *Keyring) Remember(worlds map[string]batch.KeyOrigin) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, w := range worlds {
		if _, known := k.Origins[id]; !known {
			k.Origins[id] = w
		}
	}
}

// AllOrigins are those of earlier runs and of all keys that may be used now.
func (k *Keyring) AllOrigins() map[string]batch.KeyOrigin {
	k.mu.RLock()
	defer k.mu.RUnlock()
	all := make(map[string]batch.KeyOrigin, len(k.Origins)+len(k.Keys))
	maps.Copy(all, k.Origins)
	for id, key := range k.Keys {
		w := key.Origin()
		w.ProviderKeyIDs = all[id].ProviderKeyIDs
		if seen := k.providerKeyIDsOf(id); len(seen) > 0 {
			w.ProviderKeyIDs = seen
		}
		all[id] = w
	}
	return all
}

// Usable are the keys for new jobs, in the file's order.
func (k *Keyring) Usable(avoid []string) []*Key {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var keys []*Key
	for _, id := range k.order {
		if !slices.Contains(avoid, id) {
			key := *k.Keys[id]
			keys = append(keys, &key)
		}
	}
	return keys
}

// first is the key to ask for models and prices with.
func (k *Keyring) first() string {
	for _, key := range k.Usable(nil) {
		if !key.refusals.stand() {
			return key.ID
		}
	}
	return ""
}

// Find returns a key by its id, removed ones too; nil if it was never known here.
func (k *Keyring) Find(apiKey string) *Key {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if key := k.Keys[apiKey]; key != nil {
		copied := *key
		return &copied
	}
	return nil
}

// Limits are those of projects, teams and batches that are in force.
func (k *Keyring) Limits() *config.Keys {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.Rules
}

// Close closes idle connections.
func (k *Keyring) Close() error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, key := range k.Keys {
		key.Account.Close()
	}
	return nil
}
