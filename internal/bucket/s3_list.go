package bucket

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Folders returns the names of the folders in this folder of the bucket, sorted; ""
// is the bucket itself. What is left out is said at [Local.Folders].
func (b *S3) Folders(ctx context.Context, folder string) ([]string, error) {
	prefix, err := b.folderPrefix(folder)
	if err != nil {
		return nil, err
	}
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{
		Bucket: &b.bucket, Prefix: &prefix, Delimiter: aws.String("/"),
	})
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list folder %q: %w", folder, b.fault(ctx, err))
		}
		for _, found := range page.CommonPrefixes {
			name := strings.TrimSuffix(strings.TrimPrefix(aws.ToString(found.Prefix), prefix), "/")
			if name != "" && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_") {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// folderPrefix is what all keys below a folder begin with; "" for all of a bucket
// that has no prefix.
func (b *S3) folderPrefix(folder string) (string, error) {
	if folder != "" && !fs.ValidPath(folder) {
		return "", badKey(folder, "it is not a folder of the bucket")
	}
	prefix := path.Join(b.prefix, folder)
	if prefix == "." || prefix == "" {
		return "", nil
	}
	return prefix + "/", nil
}
