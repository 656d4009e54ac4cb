package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Sweep removes the unfinished files that killed processes left in a folder of the
// bucket and below it ("." for all of it), and returns how many. What any living
// process is writing stays. On systems without locks nothing is removed.
func (b *Local) Sweep(ctx context.Context, folder string) (removed int, err error) {
	if !fs.ValidPath(folder) {
		return 0, badKey(folder, "it is not a folder of the bucket")
	}
	root, err := os.OpenRoot(b.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sweep %s: %w", b.dir, translate(err, b.dir))
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, fs.ErrNotExist):
			return nil // gone meanwhile
		case err != nil:
			return err
		case !entry.Type().IsRegular() || !isPart(entry.Name()):
			return nil
		}
		swept, err := sweepPart(root, name)
		if swept {
			removed++
		}
		return err
	})
	if err != nil {
		return removed, fmt.Errorf("sweep %s: %w", b.Path(folder), translate(err, b.Path(folder)))
	}
	return removed, nil
}

func isPart(name string) bool {
	return strings.HasPrefix(name, ownPrefix) && strings.HasSuffix(name, partSuffix)
}

// sweepPart removes an unfinished file that nobody holds.
func sweepPart(root *os.Root, name string) (bool, error) {
	file, err := root.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // finished or swept meanwhile
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	if alone, err := tryHold(file); !alone || err != nil {
		return false, nil // where nothing can be held, nothing is known to be left over
	}
	// The name may be gone: its owner can have published the file meanwhile.
	err = root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
