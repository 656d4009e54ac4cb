package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// pixels is the side of the square images that are asked for, the smallest that the
// model makes.
const pixels = 128

const model = "model_bfl-flux-1-dev"

// batchRow is one row of a manifest, as JSON Lines have it.
type batchRow struct {
	ID         string         `json:"id"`
	Model      string         `json:"model"`
	Prompt     string         `json:"prompt"`
	Parameters map[string]any `json:"parameters"`
	Output     string         `json:"output"`
}

// writeManifest writes a batch of so many small images into the folder and returns
// the file's name.
func writeManifest(room string, jobs int) (path string, err error) {
	path = filepath.Join(room, "batch.jsonl")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	for i := range jobs {
		fmt.Fprintf(out, `{"id": "item-%07d", "model": "%s", "prompt": "a potion bottle number %d, hand painted, soft light", `+
			`"parameters": {"width": %d, "height": %d}, "output": "icons/%03d/{id}.{ext}"}`+"\n", i, model, i, pixels, pixels, i%1000)
	}
	if err := out.Flush(); err != nil {
		return "", err
	}
	return path, file.Close()
}

// images are the times at which images came into a folder, in order. What the
// product keeps for itself does not count.
func images(folder string) ([]time.Time, error) {
	var times []time.Time
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil // a file that has got its name meanwhile, or a folder to come
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "_nightshift":
			return fs.SkipDir
		case entry.IsDir() || !slices.Contains([]string{".png", ".jpg", ".webp"}, filepath.Ext(path)):
			return nil
		}
		info, err := entry.Info()
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil {
			times = append(times, info.ModTime())
		}
		return err
	})
	slices.SortFunc(times, time.Time.Compare)
	return times, err
}

// between is how many of the times are after one and not after the other.
func between(times []time.Time, from, to time.Time) (n int) {
	for _, t := range times {
		if t.After(from) && !t.After(to) {
			n++
		}
	}
	return n
}

// perSecond is the pace from the first of the times to the last.
func perSecond(times []time.Time) float64 {
	if len(times) < 2 {
		return 0
	}
	return float64(len(times)-1) / times[len(times)-1].Sub(times[0]).Seconds()
}

// median is the middle of some values; of an even number, the lower one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}
