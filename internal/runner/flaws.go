package runner

import (
	"context"
	"fmt"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// inspect says what is wrong with the pixels of an image that was stored; "" if nothing
// is, or nobody looks.
func (r *Runner) inspect(ctx context.Context, w ImageTarget, stored job.Image) (flaw string, err error) {
	if r.Inspect == nil {
		return "", nil
	}
	return r.Inspect(ctx, w.Ref.Batch, stored)
}

// differs says in what an image is not what the provider's record says; "" if in nothing.
func differs(record provider.Record, stored job.Image) string {
	var said, is []string
	if record.Width > 0 && record.Height > 0 && (record.Width != stored.Width || record.Height != stored.Height) {
		said = append(said, fmt.Sprintf("%d x %d pixels", record.Width, record.Height))
		is = append(is, fmt.Sprintf("%d x %d", stored.Width, stored.Height))
	}
	if record.Bytes > 0 && record.Bytes != stored.Bytes {
		said = append(said, fmt.Sprintf("%d bytes", record.Bytes))
		is = append(is, fmt.Sprintf("%d bytes", stored.Bytes))
	}
	if len(said) == 0 {
		return ""
	}
	return "the provider's record says " + strings.Join(said, " and ") + ", the image has " + strings.Join(is, " and ")
}

// warned is an image with one more warning.
func warned(image job.Image, flaw string) job.Image {
	if image.Warning != "" {
		flaw = image.Warning + "; " + flaw
	}
	image.Warning = flaw
	return image
}
