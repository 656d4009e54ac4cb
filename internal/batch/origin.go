package batch

// SimulatorHost is how the built-in simulator is called where a host is asked for.
const SimulatorHost = "simulator"

// KeyOrigin is what a key sees: the runs of one project of one API. Without a project's
// name only the same credential is known to see the same.
type KeyOrigin struct {
	API         string `json:"api"` // "simulator" or a host
	Project     string `json:"project,omitempty"`
	Team        string `json:"team,omitempty"`
	Fingerprint string `json:"mark,omitempty"` // tells credentials apart, see markOf
	// ProviderKeyIDs are what the provider calls the key, as far as it was seen.
	ProviderKeyIDs []string `json:"authors,omitempty"`
}

// Same reports whether a key of the other origin sees the same runs.
func (w KeyOrigin) Same(other KeyOrigin) bool {
	return w.API == other.API && (w.Project != "" && w.Project == other.Project || w.Fingerprint != "" && w.Fingerprint == other.Fingerprint)
}
