package simulator

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"sync"
)

// keyring holds the keys, and which of them are revoked.
type keyring struct {
	keys []Key

	mu      sync.RWMutex
	revoked map[string]bool // by name
}

func newKeyring(keys []Key) *keyring { return &keyring{keys: keys, revoked: map[string]bool{}} }

// RevokeKey makes the key of this name answer 401 until [Simulator.RestoreKey].
// Its jobs run on, and stay visible to other keys of their project. It returns an
// error for a name that is not known.
func (s *Simulator) RevokeKey(name string) error { return s.keys.set(name, true) }

// RestoreKey ends what [Simulator.RevokeKey] began; for a key that is not revoked
// it does nothing. It returns an error for a name that is not known.
func (s *Simulator) RestoreKey(name string) error { return s.keys.set(name, false) }

func (k *keyring) set(name string, revoked bool) error {
	if k.named(name) == nil {
		return fmt.Errorf("key %q is not known", name)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.revoked[name] = revoked
	return nil
}

func (k *keyring) named(name string) *Key {
	for i := range k.keys {
		if k.keys[i].Key == name {
			return &k.keys[i]
		}
	}
	return nil
}

// authenticate returns the key that a request is signed with, or nil.
// Scenario API: Basic with key and secret.
func (k *keyring) authenticate(r *http.Request) *Key {
	name, secret, ok := r.BasicAuth()
	if !ok {
		return nil
	}
	key := k.named(name)
	if key == nil || subtle.ConstantTimeCompare([]byte(key.Secret), []byte(secret)) != 1 {
		return nil
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.revoked[name] {
		return nil
	}
	return key
}

// state shows each key by name, and whether it is revoked.
func (k *keyring) state() []keyState {
	k.mu.RLock()
	defer k.mu.RUnlock()
	states := make([]keyState, len(k.keys))
	for i := range k.keys {
		states[i] = keyState{k.keys[i].Key, k.revoked[k.keys[i].Key]}
	}
	return states
}

type keyState struct {
	Key     string `json:"key"`
	Revoked bool   `json:"revoked"`
}
