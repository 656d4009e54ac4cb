package bucket

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Link is an address by which anybody can read the object for a time, without any
// credential: a secret, to be shown only to who asked for it. Servers refuse more than
// seven days. Whether there is such an object is not looked at.
func (b *S3) Link(ctx context.Context, objectKey string, ttl time.Duration) (string, error) {
	if err := checkKey(objectKey); err != nil {
		return "", fmt.Errorf("link object %q: %w", objectKey, err)
	}
	request, err := s3.NewPresignClient(b.client).PresignGetObject(ctx,
		&s3.GetObjectInput{Bucket: &b.bucket, Key: b.full(objectKey)}, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", fmt.Errorf("link object %q: %w", objectKey, b.fault(ctx, err))
	}
	return request.URL, nil
}
