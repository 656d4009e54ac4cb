package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// ProviderKeyIDs are what providers call API keys, as workers have seen it in this Redis, by
// what the workers call the keys and their credentials. The error is Redis'.
func (f *Fleet) ProviderKeyIDs(ctx context.Context) (map[string][]string, error) {
	members, err := f.redis.SMembers(ctx, f.keyIDsKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("ask what providers call the API keys: %w", err)
	}
	seen := make(map[string][]string)
	for _, text := range members {
		if key, name, whole := strings.Cut(text, "\n"); whole {
			seen[key] = append(seen[key], name)
		}
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
			lacking = append(lacking, key+"\n"+name)
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
