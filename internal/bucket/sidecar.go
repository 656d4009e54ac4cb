package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"nightshift/internal/bucket/image"
)

// maxSidecar bounds what is read of a sidecar; it has a handful of short fields.
const maxSidecar = 1 << 20

// readSidecar returns what is kept beside an image. One that cannot be understood counts
// as missing: the image is then stored again, and its sidecar with it.
func (b *Local) readSidecar(ctx context.Context, key string) (image.Sidecar, bool, error) {
	data, err := b.readSmall(ctx, sidecarKey(key))
	if errors.Is(err, fs.ErrNotExist) {
		return image.Sidecar{}, false, nil
	}
	if err != nil {
		return image.Sidecar{}, false, fmt.Errorf("read its sidecar: %w", err)
	}
	var s image.Sidecar
	if err := json.Unmarshal(data, &s); err != nil {
		return image.Sidecar{}, false, nil //nolint:nilerr // counts as missing, see above
	}
	return s, true, nil
}

func (b *Local) readSmall(ctx context.Context, key string) ([]byte, error) {
	if key == "" {
		return nil, fs.ErrNotExist
	}
	file, _, err := b.open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxSidecar))
}
