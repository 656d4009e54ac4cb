package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLinkedItems reads items through links: within the folder of the manifest, out of
// it, and where the command names the link itself.
func TestLinkedItems(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	folder, secret := filepath.Join(root, "given"), filepath.Join(root, "secret.csv")
	write := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, at string) {
		t.Helper()
		if err := os.Symlink(to, at); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	write(secret, "id,model,password\na,m,hunter2\n")
	write(filepath.Join(folder, "data", "items.csv"), "id,model\ninside,m\n")
	link(filepath.Join(folder, "data", "items.csv"), filepath.Join(folder, "inner.csv"))
	link(secret, filepath.Join(folder, "outer.csv"))
	link(root, filepath.Join(folder, "up"))
	const out = "is a link that leads out of the manifest's folder; copy the file into the folder, or write its own path\n"
	for from, want := range map[string]string{
		"inner.csv":     ": inside\n",
		"outer.csv":     out,
		"up/secret.csv": out,
		"../secret.csv": ": a\n",
		secret:          ": a\n",
	} {
		write(filepath.Join(folder, "m.yaml"), head+"items_from: "+from+"\n")
		for _, path := range []string{filepath.Join(folder, "m.yaml"), filepath.Join("given", "m.yaml")} {
			got := describe(path)
			if !strings.Contains(got, want) || want == out && strings.Contains(got, "password") {
				t.Errorf("%s with items_from: %s gives\n%s\nwant it to hold %s", path, from, got, want)
			}
		}
	}
	if got := describe(filepath.Join(folder, "outer.csv")); !strings.Contains(got, ": a\n") {
		t.Errorf("a link that the command names gives\n%s", got)
	}
}

// TestWideTable reads a table with as many columns as fit into its first line. What takes
// longer with the square of their number would take minutes.
func TestWideTable(t *testing.T) {
	t.Parallel()
	const columns = 100_000
	for _, prefix := range []string{"c", "", parameterPrefix} {
		var header, row strings.Builder
		header.WriteString("id,model,ö")
		row.WriteString("a,m,ä")
		for i := range columns {
			if header.Len() > maxLine-100 {
				break
			}
			fmt.Fprintf(&header, ",%s%d", prefix, i)
			row.WriteString(",1")
		}
		path := filepath.Join(t.TempDir(), "m.csv")
		if err := os.WriteFile(path, []byte(header.String()+"\n"+row.String()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		m, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for row, err := range m.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			row.Places(parameterPrefix + "99")
		}
		if took := time.Since(started); took > 20*time.Second {
			t.Errorf("columns %s… took %v", prefix, took)
		}
	}
}
