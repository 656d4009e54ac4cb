package cli

import (
	"os"
	"path/filepath"
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
	stored, err := bucket.ReadIdentity(t.Context(), b)
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

// A copy of a bucket has the identity of its original. It is refused with both names, also
// under another fleet's name, and becomes a bucket of its own without its identity. A
// bucket that was moved, or that is reached by a link, stays what it is.
func TestCopiedBucket(t *testing.T) {
	t.Parallel()
	claims := fleet.NewClaims(redistest.Start(t).Client(t))
	original := newBucket(t)
	id, err := app.ClaimFleet(t.Context(), claims, "default", original)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "copy"), os.DirFS(original.Path(""))); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(original.Path(""), filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	at := func(name string) *bucket.Local {
		b, err := bucket.NewLocal(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, name := range []string{"default", "other"} {
		_, err := app.ClaimFleet(t.Context(), claims, name, at("copy"))
		if err == nil || !strings.Contains(err.Error(), original.Path("")) || !strings.Contains(err.Error(), at("copy").Path("")) ||
			!strings.Contains(job.Hint(err), "_nightshift/id") {
			t.Errorf("a copy under fleet %q: %v, hint %q", name, err, job.Hint(err))
		}
	}
	if again, err := app.ClaimFleet(t.Context(), claims, "default", at("link")); err != nil || again != id {
		t.Errorf("by a link: %q after %q, %v", again, id, err)
	}
	if err := os.Remove(filepath.Join(folder, "copy", "_nightshift", "id")); err != nil {
		t.Fatal(err)
	}
	if own, err := app.ClaimFleet(t.Context(), claims, "copies", at("copy")); err != nil || own == id {
		t.Errorf("without the identity: %q beside %q, %v", own, id, err)
	}
	if err := os.Rename(original.Path(""), filepath.Join(folder, "moved")); err != nil {
		t.Fatal(err)
	}
	if again, err := app.ClaimFleet(t.Context(), claims, "default", at("moved")); err != nil || again != id {
		t.Errorf("moved: %q after %q, %v", again, id, err)
	}
}
