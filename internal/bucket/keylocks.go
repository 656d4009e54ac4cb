package bucket

import "sync"

// keyLocks lets one goroutine at a time work on a key, and any number on different
// keys. It remembers only the keys that are in use.
type keyLocks struct {
	mu   sync.Mutex
	used map[string]*keyLock
}

type keyLock struct {
	sync.Mutex
	users int
}

// lock waits for the key and returns how to let it go.
func (l *keyLocks) lock(key string) (unlock func()) {
	l.mu.Lock()
	if l.used == nil {
		l.used = make(map[string]*keyLock)
	}
	held := l.used[key]
	if held == nil {
		held = &keyLock{}
		l.used[key] = held
	}
	held.users++
	l.mu.Unlock()

	held.Lock()
	return func() {
		held.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if held.users--; held.users == 0 {
			delete(l.used, key)
		}
	}
}
