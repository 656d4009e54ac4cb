package stories

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// hidden demands that texts stand nowhere in what processes of the script printed,
// or in files, by name or content, plain or encoded:
// hidden s3cret 'Signature=' in printed out $REDIS_DIR
func hidden(ts *testscript.TestScript, args []string) error {
	at := slices.Index(args, "in")
	usage(ts, at < 1 || at == len(args)-1, "hidden TEXT... in printed|PATH...")
	for _, place := range args[at+1:] {
		search := searchFiles
		if place == "printed" {
			search = func(*testscript.TestScript, string, []string) error { return searchPrinted(ts, args[:at]) }
		}
		if err := search(ts, place, args[:at]); err != nil {
			return err
		}
	}
	return nil
}

func searchPrinted(ts *testscript.TestScript, texts []string) error {
	for _, p := range ts.Value(processesKey{}).(*processes).all {
		for _, printed := range []string{p.stdout.String(), p.stderr.String()} {
			if err := lacks([]byte(printed), texts); err != nil {
				return fmt.Errorf("%s printed: %w", p.cmd, err)
			}
		}
	}
	return nil
}

func searchFiles(ts *testscript.TestScript, root string, texts []string) error {
	files := 0
	err := filepath.WalkDir(ts.MkAbs(root), func(path string, entry fs.DirEntry, err error) error {
		ts.Check(err) // a place that cannot be read hides nothing
		if err := lacks([]byte(entry.Name()), texts); err != nil {
			return fmt.Errorf("a name in %s: %w", root, err)
		}
		if entry.IsDir() {
			return nil
		}
		files++
		if !entry.Type().IsRegular() {
			return nil // a socket has a name only
		}
		data, err := os.ReadFile(path)
		ts.Check(err)
		if err := lacks(data, texts); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	if err == nil && files == 0 {
		ts.Fatalf("there is no file in %s, so nothing was searched", root)
	}
	return err
}

func lacks(data []byte, texts []string) error {
	for _, text := range texts {
		for _, form := range forms(text) {
			if at := bytes.Index(data, form); at >= 0 {
				return fmt.Errorf("%q stands there as %q: …%q…", text, form, data[max(0, at-80):min(len(data), at+len(form)+80)])
			}
		}
	}
	return nil
}

// forms are the ways in which a text can stand in something: as it is, escaped, in
// hexadecimal, and in base64 at each of the three places where it may begin inside
// a longer text, as a key and a secret do in the header of a request.
func forms(text string) [][]byte {
	forms := [][]byte{
		[]byte(text), []byte(url.QueryEscape(text)), []byte(url.PathEscape(text)), []byte(hex.EncodeToString([]byte(text))),
	}
	for before := range 3 {
		longer := append(make([]byte, before), text...)
		// Characters that hold bits of what stands before or behind are cut off.
		first, last := (8*before+5)/6, 8*len(longer)/6
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, []byte(encoding.EncodeToString(longer)[first:last]))
		}
	}
	return forms
}

func TestEncodedSecretsAreFound(t *testing.T) {
	t.Parallel()
	const secret = "s3cret/of~night+"
	for _, before := range []string{"", "k", "ke", "key:", "a-longer-key:"} {
		for _, behind := range []string{"", "x", "xy", "xyz"} {
			whole := []byte(before + secret + behind)
			for name, encoded := range map[string]string{
				"base64": base64.StdEncoding.EncodeToString(whole), "base64url": base64.URLEncoding.EncodeToString(whole),
				"hex": hex.EncodeToString(whole), "escaped": url.QueryEscape(string(whole)), "plain": string(whole),
			} {
				if lacks([]byte("Basic "+encoded), []string{secret}) == nil {
					t.Errorf("%s of %q is not found in %s", name, whole, encoded)
				}
			}
		}
	}
	if err := lacks([]byte("Basic "+base64.StdEncoding.EncodeToString([]byte("another one"))), []string{secret}); err != nil {
		t.Errorf("found where it is not: %v", err)
	}
}
