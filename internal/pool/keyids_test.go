package pool

import (
	"slices"
	"testing"

	"nightshift/internal/config"
	"nightshift/internal/provider"
)

// namedAccount is an account that was seen under some names.
type namedAccount struct {
	provider.Account
	names []string
}

func (a namedAccount) ProviderKeyIDs() []string { return a.names }

// What one worker has seen of a key another learns, unless it has another credential for it.
func TestLearnSeen(t *testing.T) {
	t.Parallel()
	ring := func(credential string, names ...string) *Keyring {
		open := func(config.APIKey) (provider.Account, error) { return namedAccount{names: names}, nil }
		k, err := NewKeyring(open, &config.Keys{}, []config.APIKey{{ID: "a", Key: config.Secret(credential)}})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	seen := ring("one", "apiu_1").Seen()
	for credential, want := range map[string][]string{"one": {"apiu_1"}, "two": nil} {
		other := ring(credential)
		other.LearnSeen(seen)
		other.LearnSeen(seen) // once is enough
		if got, _ := other.ProviderKeyIDs("a"); !slices.Equal(got, want) {
			t.Errorf("with credential %s it learned %v, want %v", credential, got, want)
		}
	}
}
