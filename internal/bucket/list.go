package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Folders returns the names of the folders in this folder of the bucket, sorted; ""
// is the bucket itself. Hidden ones, and those of Nightshift's own, whose names
// begin with an underscore, are left out. A folder that is not there has none.
func (b *Local) Folders(ctx context.Context, folder string) ([]string, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	entries, err := os.ReadDir(b.Path(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list folder %q: %w", folder, translate(err, b.Path(folder)))
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !strings.HasPrefix(entry.Name(), "_") {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}
