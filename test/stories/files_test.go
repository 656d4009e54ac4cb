package stories

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // so that images decodes it
	_ "image/png"  // so that images decodes it
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"
	_ "golang.org/x/image/webp" // so that images decodes it

	"nightshift/internal/job"
)

// images checks that a batch's folder holds so many images, that each of them
// decodes, is named by exactly one line of results.jsonl and has the length that
// it says, and that nothing half-written is left: images out/icons 12. Where a process
// was killed between a line and the end of its job, the next one may have repeated the
// line: images out/icons 12 repeated
func images(ts *testscript.TestScript, args []string) error {
	repeated := len(args) == 3 && args[2] == "repeated"
	usage(ts, len(args) != 2 && !repeated, "images FOLDER NUMBER [repeated]")
	folder := ts.MkAbs(args[0])
	found, err := decodeAll(folder)
	if err != nil {
		return err
	}
	if strconv.Itoa(len(found)) != args[1] {
		return fmt.Errorf("%s holds %d images, want %s", args[0], len(found), args[1])
	}
	results, err := os.Open(filepath.Join(folder, "results.jsonl"))
	if err != nil {
		return err
	}
	defer results.Close()
	decoder, seen := json.NewDecoder(results), make(map[job.ID]bool)
	for decoder.More() {
		var result job.Result
		if err := decoder.Decode(&result); err != nil {
			return fmt.Errorf("results.jsonl: %w", err)
		}
		if repeated && seen[result.Job] {
			continue
		}
		seen[result.Job] = true
		for _, image := range result.Images {
			if size, there := found[image.Key]; !there || size != image.Bytes {
				return fmt.Errorf("results.jsonl names %s with %d bytes; it is %d bytes long, or missing, or named twice",
					image.Key, image.Bytes, size)
			}
			delete(found, image.Key)
		}
	}
	if len(found) > 0 {
		return fmt.Errorf("images that results.jsonl does not name: %v", found)
	}
	return nil
}

// decodeAll returns the sizes of all images under the folder by their keys.
func decodeAll(folder string) (map[string]int64, error) {
	found := make(map[string]int64)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		key, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		key = filepath.ToSlash(key)
		if strings.Contains(key, ".part") {
			return fmt.Errorf("%s is left behind", key)
		}
		switch filepath.Ext(key) {
		case ".png", ".jpg", ".jpeg", ".webp":
		default:
			return nil
		}
		if strings.HasPrefix(key, "_nightshift/") {
			return nil // thumbnails
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, _, err := image.Decode(bytes.NewReader(data)); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		found[key] = int64(len(data))
		return nil
	})
	return found, err
}

// checkJSON compares fields of a JSON file, or of stdout:
// json out/icons/report.json counts.images==12
func checkJSON(ts *testscript.TestScript, args []string) error {
	usage(ts, len(args) < 2, "json FILE PATH==VALUE...")
	whole, err := readJSON(ts, args[0])
	if err != nil {
		return err
	}
	for _, arg := range args[1:] {
		err := holds(arg, func(path string) (string, error) { return field(whole, path) })
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
	}
	return nil
}

// let sets a variable to a field of a JSON file, or of stdout:
// let run stdout questions.0.candidates.1.inference
func let(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 3, "let NAME FILE PATH")
	whole, err := readJSON(ts, args[1])
	ts.Check(err)
	value, err := field(whole, args[2])
	ts.Check(err)
	ts.Setenv(args[0], value)
}

func readJSON(ts *testscript.TestScript, file string) (whole any, err error) {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(file)))
	decoder.UseNumber()
	if err := decoder.Decode(&whole); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return whole, nil
}

func field(value any, path string) (string, error) {
	for name := range strings.SplitSeq(path, ".") {
		switch parent := value.(type) {
		case map[string]any:
			value = parent[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(parent) {
				return "", fmt.Errorf("%s: the list has %d entries", path, len(parent))
			}
			value = parent[i]
		default:
			return "", fmt.Errorf("%s: no such field", path)
		}
	}
	return fmt.Sprint(value), nil
}

// countLines checks that a file, or stdout, consists of so many lines of JSON:
// lines out/icons/results.jsonl n>=3. A missing file has none.
func countLines(ts *testscript.TestScript, args []string) error {
	usage(ts, len(args) != 2, "lines FILE n==NUMBER")
	text := ""
	if args[0] == "stdout" || args[0] == "stderr" {
		text = ts.ReadFile(args[0])
	} else if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil {
		text = string(data)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	count := 0
	scanner := bufio.NewScanner(strings.NewReader(text))
	scanner.Buffer(nil, 1<<20)
	for ; scanner.Scan(); count++ {
		if !json.Valid(scanner.Bytes()) {
			return fmt.Errorf("%s:%d: not JSON: %s", args[0], count+1, scanner.Text())
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return holds(args[1], func(string) (string, error) { return strconv.Itoa(count), nil })
}

// plain checks that a text, such as stdout, holds only what can be seen.
func plain(ts *testscript.TestScript, args []string) error {
	usage(ts, len(args) != 1, "plain FILE")
	for number, line := range strings.Split(ts.ReadFile(args[0]), "\n") {
		if at := strings.IndexFunc(line, func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }); at >= 0 {
			return fmt.Errorf("%s:%d: invisible character %q in %q", args[0], number+1, line[at], line)
		}
	}
	return nil
}
