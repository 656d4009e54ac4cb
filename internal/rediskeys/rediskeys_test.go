package rediskeys_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/rediskeys"
	"nightshift/internal/redistest"
)

func TestTag(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, want string }{
		{"icons", "icons"},
		{"Potion-icons_2.b", "Potion-icons_2.b"},
		{"test/icons", "test%2Ficons"},
		{"{a}:b c", "%7Ba%7D%3Ab%20c"},
		{"%7B", "%257B"},
		{"ö*?[\\", "%C3%B6%2A%3F%5B%5C"},
		{"\xff\n\x00", "%FF%0A%00"},
	} {
		if got := rediskeys.Tag(test.name); got != test.want {
			t.Errorf("Tag(%q) = %q, want %q", test.name, got, test.want)
		}
	}
}

// TestDeleteTakesThePrefixAsItIs has keys that would match if the prefix were a
// pattern, and more keys than one command looks at.
func TestDeleteTakesThePrefixAsItIs(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		const prefix = `a*?[b]^\:{a pool with a name of usual length}:job:batch/`
		want := []string{"", "a", "aXYb:", `aXYb^\:1`, `a*?b^\:1`, `a*?[b]^\`, `x` + prefix + "1"}
		pairs := make([]any, 0, 2*1300)
		for i := range 1200 {
			pairs = append(pairs, fmt.Sprintf("%s%d", prefix, i), 1)
		}
		for _, key := range want {
			pairs = append(pairs, key, 1)
		}
		if err := client.MSet(t.Context(), pairs...).Err(); err != nil {
			t.Fatal(err)
		}
		if err := rediskeys.Delete(t.Context(), client, prefix); err != nil {
			t.Fatal(err)
		}
		left := client.Keys(t.Context(), "*").Val()
		slices.Sort(left)
		slices.Sort(want)
		if diff := cmp.Diff(want, left); diff != "" {
			t.Errorf("keys left (-want +got):\n%s", diff)
		}
	})
}
