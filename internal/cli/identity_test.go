package cli

import (
	"strings"
	"sync"
	"testing"

	"nightshift/internal/app"
	"nightshift/internal/bucket"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

func newBucket(t *testing.T) *bucket.Local {
	t.Helper()
	b, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Many processes begin at once with an empty bucket and an empty Redis: all get one
// identity, and it is in the bucket.
func TestOneIdentity(t *testing.T) {
	t.Parallel()
	b, claims := newBucket(t), fleet.NewClaims(redistest.Start(t).Client(t))
	ids := make([]string, 20)
	var claiming sync.WaitGroup
	for i := range ids {
		claiming.Go(func() {
			id, err := app.ClaimFleet(t.Context(), claims, "default", b)
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	claiming.Wait()
	stored, err := app.ReadIdentity(t.Context(), b)
	for _, id := range ids {
		if err != nil || id == "" || id != stored {
			t.Fatalf("identities %q, in the bucket %q, %v", ids, stored, err)
		}
	}
}

// A second bucket is refused with both names, whether it is new or has an identity, until
// it gets a fleet of its own. After Redis was emptied, the first to come has the name.
func TestTwoBucketsOneRedis(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client(t)
	first, second, claims := newBucket(t), newBucket(t), fleet.NewClaims(client)
	id, err := app.ClaimFleet(t.Context(), claims, "default", first)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(b *bucket.Local) {
		t.Helper()
		_, err := app.ClaimFleet(t.Context(), claims, "default", b)
		if err == nil || !strings.Contains(err.Error(), first.Path("")) || !strings.Contains(err.Error(), second.Path("")) {
			t.Errorf("two buckets in one fleet: %v", err)
		}
		if hint := job.Hint(err); !strings.Contains(hint, "NIGHTSHIFT_FLEET") {
			t.Errorf("hint %q", hint)
		}
	}
	refused(second)
	other, err := app.ClaimFleet(t.Context(), claims, "other", second)
	if err != nil || other == id {
		t.Fatalf("identity %q beside %q, %v", other, id, err)
	}
	refused(second)
	if again, err := app.ClaimFleet(t.Context(), claims, "default", first); err != nil || again != id {
		t.Errorf("the same bucket again: %q after %q, %v", again, id, err)
	}
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if again, err := app.ClaimFleet(t.Context(), claims, "default", first); err != nil || again != id {
		t.Errorf("after Redis was emptied: %q after %q, %v", again, id, err)
	}
	refused(second)
}
