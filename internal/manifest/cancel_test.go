package manifest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestRowsEnd asks for rows that never come, until nobody wants them any more.
func TestRowsEnd(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"all excluded": "axes: {product: {size: [s], seed: 1..900000000}}\nexclude:\n  - {size: s}\n",
		"one excluded": "axes:\n  product: {size: [s], seed: 1..900000000}\n  sample: {n: 800000000}\nexclude:\n  - {size: s}\n",
		"all wrong":    "prompt: \"{parameters.x}\"\naxes: {product: {seed: 1..900000000}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "m.yaml")
			if err := os.WriteFile(path, []byte(head+content), 0o644); err != nil {
				t.Fatal(err)
			}
			m, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			var last error
			for _, err := range m.RowsContext(ctx) {
				last = err
			}
			if !errors.Is(last, context.DeadlineExceeded) {
				t.Errorf("the rows end with %v", last)
			}
		})
	}
}
