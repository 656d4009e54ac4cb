package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const lookEvery = 5 * time.Second

// watched is a keys file that is looked at, in a bubble of virtual time.
type watched struct {
	path string
	*calls
}

// calls are what a watcher called since they were last taken.
type calls struct {
	mu      sync.Mutex
	said    []string
	refuses atomic.Bool // it does not take over what is new
}

func (c *calls) add(said string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, said)
}

func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = nil
	return said
}

// keysText is a file whose keys have these ids; each takes its key from a file of
// that name.
func keysText(ids ...string) string {
	var text strings.Builder
	text.WriteString("version: 1\npools:\n  default:\n")
	for _, id := range ids {
		fmt.Fprintf(&text, "    - {id: %s, mode: live, key: {file: %s}, auth: basic-key-only}\n", id, id)
	}
	return text.String()
}

// replace puts new content in the file's place at once.
func (w watched) replace(t *testing.T, content string) {
	t.Helper()
	writeFile(t, w.path+".new", content)
	if err := os.Rename(w.path+".new", w.path); err != nil {
		t.Fatal(err)
	}
}

// after lets looks pass and compares what was called in them.
func (w watched) after(t *testing.T, looks int, want ...string) {
	t.Helper()
	time.Sleep(time.Duration(looks) * lookEvery)
	synctest.Wait()
	if diff := cmp.Diff(want, w.take()); diff != "" {
		t.Errorf("calls differ (-want +got):\n%s", diff)
	}
}

// watch runs a story on a watched file with the key a.
func watch(t *testing.T, story func(t *testing.T, w watched)) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := watched{path: filepath.Join(folder, "keys.yaml"), calls: &calls{}}
		for _, name := range []string{"a", "b", "c"} {
			writeFile(t, filepath.Join(folder, name), "key of "+name+"\n")
		}
		writeFile(t, w.path, keysText("a"))
		first, err := ReadKeys(w.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() {
			WatchKeys(ctx, w.path, nil, first, lookEvery, func(k *Keys) bool {
				said := []string{"keys"}
				for _, key := range k.Pools["default"] {
					said = append(said, key.ID+"="+key.Key.Reveal())
				}
				w.add(strings.Join(said, " "))
				return !w.refuses.Load()
			}, func(err error) {
				w.add(strings.ReplaceAll(err.Error(), folder, "FOLDER"))
			})
		})
		story(t, w)
		stop()
		watching.Wait()
		w.replace(t, keysText("c"))
		w.after(t, 5)
	})
}

const missing = "read keys file FOLDER/keys.yaml: no such file or directory"

func TestWatchKeysSeesChanges(t *testing.T) {
	t.Parallel()
	watch(t, func(t *testing.T, w watched) {
		w.after(t, 3)
		w.replace(t, keysText("a", "b"))
		w.after(t, 1)
		w.after(t, 1, "keys a=key of a b=key of b")
		w.after(t, 5)
		w.replace(t, "# only written otherwise\n"+keysText("a", "b"))
		w.after(t, 3)
		w.replace(t, keysText("b"))
		w.after(t, 2, "keys b=key of b")
		writeFile(t, filepath.Join(filepath.Dir(w.path), "b"), "another\n")
		w.after(t, 2, "keys b=another")
	})
}

// TestWatchKeysOffersAgain does not take over what is new at first.
func TestWatchKeysOffersAgain(t *testing.T) {
	t.Parallel()
	watch(t, func(t *testing.T, w watched) {
		w.refuses.Store(true)
		w.replace(t, keysText("b"))
		w.after(t, 3, "keys b=key of b", "keys b=key of b")
		w.refuses.Store(false)
		w.after(t, 3, "keys b=key of b")
		w.refuses.Store(true)
		w.replace(t, keysText("c"))
		w.after(t, 2, "keys c=key of c")
		w.refuses.Store(false)
		w.replace(t, keysText("b"))
		w.after(t, 4, "keys b=key of b") // some of the other content may be in force
	})
}

// TestWatchKeysThroughLinks swaps a link, as mounted config maps do.
func TestWatchKeysThroughLinks(t *testing.T) {
	t.Parallel()
	watch(t, func(t *testing.T, w watched) {
		second := filepath.Join(filepath.Dir(w.path), "second.yaml")
		writeFile(t, second, keysText("b"))
		if err := os.Symlink(second, w.path+".link"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(w.path+".link", w.path); err != nil {
			t.Fatal(err)
		}
		w.after(t, 2, "keys b=key of b")
	})
}

func TestWatchKeysKeepsTheLastGood(t *testing.T) {
	t.Parallel()
	const unclosed = "FOLDER/keys.yaml:2:8: a quote is opened here and never closed; close it"
	watch(t, func(t *testing.T, w watched) {
		w.replace(t, "version: 1\npools: \"half")
		w.after(t, 4, unclosed)
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.after(t, 4, missing)
		w.replace(t, "version: 1\npools: \"half")
		w.after(t, 4) // said before, and the file was never good since
		w.replace(t, keysText("a"))
		w.after(t, 4) // as it was before
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.after(t, 1, missing)
		w.replace(t, keysText("a", "c"))
		w.after(t, 1)
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.after(t, 1, missing)
		w.replace(t, keysText("a", "c"))
		w.after(t, 1)
		w.after(t, 1, "keys a=key of a c=key of c")
	})
}

// TestWatchKeysWaitsForTheWholeFile lets a file grow, good at every look.
func TestWatchKeysWaitsForTheWholeFile(t *testing.T) {
	t.Parallel()
	watch(t, func(t *testing.T, w watched) {
		w.replace(t, keysText("b"))
		w.after(t, 1)
		w.replace(t, keysText("b", "c"))
		w.after(t, 1)
		w.replace(t, keysText("b", "c", "a"))
		w.after(t, 2, "keys b=key of b c=key of c a=key of a")
		w.replace(t, keysText("b"))
		w.after(t, 1)
		w.replace(t, keysText("b", "c", "a"))
		w.after(t, 4)
	})
}
