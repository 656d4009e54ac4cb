package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// keyID is what a provider calls an API key.
type keyID struct {
	Key  string `json:"key"`  // our id
	Name string `json:"name"` // the provider's
}

// ProviderKeyIDs are what providers call API keys, by our ids, as workers have seen it in
// this Redis. The error is Redis'.
func (f *Fleet) ProviderKeyIDs(ctx context.Context) (map[string][]string, error) {
	members, err := f.redis.SMembers(ctx, f.keyIDsKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("ask what providers call the API keys: %w", err)
	}
	seen := make(map[string][]string)
	for _, text := range members {
		var id keyID
		if err := json.Unmarshal([]byte(text), &id); err != nil {
			return nil, fmt.Errorf("read what providers call the API keys: %w", err)
		}
		seen[id.Key] = append(seen[id.Key], id.Name)
	}
	return seen, nil
}

// ShareProviderKeyIDs tells the other workers what of this one's knowledge they lack; known
// is theirs. The error is Redis'.
func (f *Fleet) ShareProviderKeyIDs(ctx context.Context, known, own map[string][]string) error {
	var lacking []any
	for key, names := range own {
		for _, name := range names {
			if slices.Contains(known[key], name) {
				continue
			}
			text, err := json.Marshal(keyID{key, name})
			if err != nil {
				return fmt.Errorf("tell what the provider calls API key %s: %w", key, err)
			}
			lacking = append(lacking, text)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	if err := f.redis.SAdd(ctx, f.keyIDsKey(), lacking...).Err(); err != nil {
		return fmt.Errorf("tell what providers call the API keys: %w", err)
	}
	return nil
}
