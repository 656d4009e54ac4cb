package picture

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/egress"
)

// drawn is a small picture.
func drawn(t *testing.T, width int) []byte {
	t.Helper()
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewGray(image.Rect(0, 0, width, 8))); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

func saved(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLook(t *testing.T) {
	t.Parallel()
	whole := drawn(t, 16)
	found, err := Look(saved(t, "a.jpg", whole)) // whatever it is called
	if err != nil || found.Bytes != int64(len(whole)) {
		t.Errorf("found %+v, error %v", found, err)
	}
	again, err := Look(saved(t, "b.png", whole))
	if err != nil || again.SHA256 != found.SHA256 {
		t.Errorf("the same content has hash %s and %s, error %v", found.SHA256, again.SHA256, err)
	}
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"cut":   {whole[:len(whole)-20], "ends"},
		"text":  {[]byte("a sword, two swords"), "it is something else"},
		"svg":   {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "an SVG drawing"},
		"empty": {nil, "empty"},
	} {
		if _, err := Look(saved(t, name, test.content)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	if _, err := Look(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: error %v", err)
	}
	if _, err := Look(filepath.Join(t.TempDir(), "none.png")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: error %v", err)
	}
}

// TestOpenNoticesAChange gives nothing else to the bucket than what was planned.
func TestOpenNoticesAChange(t *testing.T) {
	t.Parallel()
	path := saved(t, "a.png", drawn(t, 16))
	found, err := Look(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, drawn(t, 24), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := found.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() // only read from
	if _, err := io.Copy(io.Discard, file); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("another content: error %v", err)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	whole, asked := drawn(t, 16), 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/a.png":
			_, _ = w.Write(whole)
		case "/moved.png":
			http.Redirect(w, r, "/a.png?signature=secret", http.StatusFound)
		case "/round.png":
			http.Redirect(w, r, "/round.png", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	rules, err := egress.Parse([]string{strings.TrimPrefix(server.URL, "http://")})
	if err != nil {
		t.Fatal(err)
	}
	links := NewLinks(rules)
	for _, name := range []string{"/a.png", "/moved.png", "/a.png"} {
		path, err := links.Fetch(t.Context(), server.URL+name)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := Look(path); err != nil || found.Bytes != int64(len(whole)) {
			t.Errorf("%s: found %+v, error %v", name, found, err)
		}
	}
	if asked != 3 { // one of them by the redirect
		t.Errorf("%d requests, want 3: each link is followed once", asked)
	}
	for name, want := range map[string]string{"/round.png": "redirects", "/none.png": "404"} {
		if _, err := links.Fetch(t.Context(), server.URL+name); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), server.URL) {
			t.Errorf("%s: error %v, want %q and no link", name, err, want)
		}
	}
	folder := links.folder
	if err := links.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("what was fetched is still there: %v", err)
	}
	if _, err := NewLinks(egress.Rules{}).Fetch(t.Context(), server.URL+"/a.png"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("a link to this machine: error %v", err)
	}
}
