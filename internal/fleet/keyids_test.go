package fleet_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/fleet"
	"nightshift/internal/redistest"
)

// What one worker has seen of the names of API keys all others learn, whoever says it how
// often.
func TestProviderKeyIDsAreShared(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		one, two := fleet.New(client, "ns"), fleet.New(client, "ns")
		for _, own := range []map[string][]string{{"a": {"apiu_1"}}, {"a": {"apiu_1", "apiu_2"}, "b": nil}, {"b": {"apiu_3"}}} {
			known, err := one.ProviderKeyIDs(t.Context())
			if err == nil {
				err = one.ShareProviderKeyIDs(t.Context(), known, own)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		got, err := two.ProviderKeyIDs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, names := range got {
			slices.Sort(names)
		}
		if diff := cmp.Diff(map[string][]string{"a": {"apiu_1", "apiu_2"}, "b": {"apiu_3"}}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
