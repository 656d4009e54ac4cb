package bucket

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// staleUpload is how old an unfinished upload is that nobody works on any more.
const staleUpload = 24 * time.Hour

// Sweep takes back what killed processes left of uploads in parts, below a folder of
// the bucket ("." for all of it), when it is older than a day, and returns how many.
// Nothing of them was ever visible. A server that cannot list them has its own rule
// for them; see docs/storage.md.
func (b *S3) Sweep(ctx context.Context, folder string) (removed int, err error) {
	prefix, err := b.folderPrefix(folder)
	if err != nil {
		return 0, err
	}
	pages := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{Bucket: &b.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if cannotList(err) {
			return removed, nil
		}
		if err != nil {
			return removed, fmt.Errorf("sweep %s: %w", b.Path(folder), b.fault(ctx, err))
		}
		for _, left := range page.Uploads {
			if time.Since(aws.ToTime(left.Initiated)) < staleUpload || !strings.HasPrefix(aws.ToString(left.Key), prefix) {
				continue
			}
			if err := b.abort(ctx, left.Key, left.UploadId); err != nil {
				return removed, fmt.Errorf("sweep %s: %w", b.Path(folder), err)
			}
			removed++
		}
	}
	return removed, nil
}

// cannotList reports whether the server has no list of unfinished uploads, or says
// of an empty one that it is not there.
func cannotList(err error) bool {
	return isAbsent(err) || hasStatus(err, 501) || hasStatus(err, 405) || hasStatus(err, 400)
}
