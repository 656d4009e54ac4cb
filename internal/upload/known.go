package upload

// asset is the asset that is known to be there by the key of its note, or "".
func (u *Uploads) asset(key string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.known[key]
}

func (u *Uploads) remember(key, asset string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known == nil {
		u.known = make(map[string]string)
	}
	u.known[key] = asset
}

func (u *Uploads) isGone(asset string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.gone[asset]
}

// Gone notes that the provider has an asset no more; what it stood for is uploaded again.
func (u *Uploads) Gone(asset string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone == nil {
		u.gone = make(map[string]bool)
	}
	u.gone[asset] = true
	for key, known := range u.known {
		if known == asset {
			delete(u.known, key)
		}
	}
}
