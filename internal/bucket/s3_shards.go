package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/job"
)

// logSuffix ends the names of objects that can be appended to.
const logSuffix = ".jsonl"

// logFolder holds the shards: below it a folder for each object, and in that what
// was appended to the object and is not folded into it yet.
const logFolder = ownFolder + "/log"

// deletesAtOnce is how many objects are deleted at a time.
const deletesAtOnce = 16

// checkLines refuses appends that no kind of bucket takes.
func checkLines(key string, data []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if !strings.HasSuffix(key, logSuffix) {
		return badKey(key, "only objects whose names end with "+logSuffix+" can be appended to")
	}
	if !bytes.HasSuffix(data, []byte("\n")) {
		return fmt.Errorf("the data must end with the end of a line: %w", job.ErrInvalid)
	}
	return nil
}

// shard is what one call of Append stored.
type shard struct {
	name string
	size int64
	time time.Time
}

// shardFolder is where the shards of an object are, with a slash at its end.
func shardFolder(key string) string {
	batch, within := splitBatch(key)
	if within == "" {
		batch, within = "", key
	}
	return path.Join(batch, logFolder, within) + "/"
}

// shardNames gives the shards of this process their names, in the order in which
// the lines are to be read.
type shardNames struct {
	mu     sync.Mutex
	writer string
	number uint64
	last   time.Time
}

const shardTime = "20060102T150405.000Z"

func newShardNames() *shardNames {
	return &shardNames{writer: strings.ToLower(rand.Text()[:12])}
}

// next never goes back, even if the clock does.
func (n *shardNames) next() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now := time.Now().UTC(); now.After(n.last) {
		n.last = now
	}
	n.number++
	return fmt.Sprintf("%s-%s-%012d", n.last.Format(shardTime), n.writer, n.number)
}

// shards lists what was appended to an object, in the order of reading. Objects
// that nothing is appended to cost no request.
func (b *S3) shards(ctx context.Context, key string) ([]shard, error) {
	if !strings.HasSuffix(key, logSuffix) {
		return nil, nil
	}
	prefix := *b.full(shardFolder(key)) + "/"
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{
		Bucket: &b.bucket, Prefix: &prefix, Delimiter: aws.String("/"),
	})
	var found []shard
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list what was appended: %w", b.fault(ctx, err))
		}
		for _, object := range page.Contents {
			name, below := strings.CutPrefix(aws.ToString(object.Key), prefix)
			if below && name != "" {
				found = append(found, shard{name, aws.ToInt64(object.Size), aws.ToTime(object.LastModified)})
			}
		}
	}
	slices.SortFunc(found, func(a, b shard) int { return strings.Compare(a.name, b.name) })
	return found, nil
}

// deleteShards deletes exactly these. Those that are gone already are no error.
func (b *S3) deleteShards(ctx context.Context, key string, shards []shard) error {
	var group errgroup.Group
	group.SetLimit(deletesAtOnce)
	for _, s := range shards {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return b.deleteOne(ctx, shardFolder(key)+s.name)
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("delete what was appended before: %w", err)
	}
	return nil
}
