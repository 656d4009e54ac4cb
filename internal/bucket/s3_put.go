package bucket

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	// partBytes is how much goes in one request; what is larger goes in parts of it.
	partBytes = 8 << 20
	// abortTime is for cleaning up after an upload that was given up.
	abortTime = 30 * time.Second
)

// Put stores an object that is no image, replacing what was there; see [Local.Put].
//
// What was appended to the object and was there when Put began is replaced too;
// what others append meanwhile stays. While it goes on, and after an error, readers
// may see the new object with some of what was appended to the old one behind it.
func (b *S3) Put(ctx context.Context, objectKey string, body io.Reader) error {
	if err := b.put(ctx, objectKey, body); err != nil {
		return fmt.Errorf("put object %q: %w", objectKey, err)
	}
	return nil
}

func (b *S3) put(ctx context.Context, key string, body io.Reader) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := checkKey(key); err != nil {
		return err
	}
	shards, err := b.shards(ctx, key)
	if err != nil {
		return err
	}
	if err := b.putStream(ctx, key, body, condition{}); err != nil {
		return err
	}
	return b.deleteShards(ctx, key, shards)
}

// putStream stores a body of any length, with the memory of one part. The error is
// errMoved where the condition does not hold.
func (b *S3) putStream(ctx context.Context, key string, body io.Reader, when condition) error {
	release, err := b.budget.reserve(ctx, lengthOf(body))
	if err != nil {
		return err
	}
	defer release()
	var part buffer
	defer part.release()
	ended, err := part.fill(ctx, body, partBytes)
	if err != nil {
		return err
	}
	if !ended && part.size == partBytes {
		return b.putParts(ctx, key, &part, body, when)
	}
	err = b.send(ctx, upload{key: key, body: part.reader(), contentType: contentType(key), condition: when})
	return b.moved(ctx, err)
}

// moved explains an error, and knows that of a condition that does not hold.
func (b *S3) moved(ctx context.Context, err error) error {
	if hasFailedCondition(err) {
		return errMoved
	}
	return b.fault(ctx, err)
}

// lengthOf is how much memory a body needs at most: its length if it tells.
func lengthOf(body io.Reader) int64 {
	if known, ok := body.(interface{ Len() int }); ok {
		return min(int64(known.Len())+1, partBytes)
	}
	return partBytes
}

// putParts sends a body part by part. It becomes visible when all are there.
func (b *S3) putParts(ctx context.Context, key string, part *buffer, body io.Reader, when condition) error {
	begun, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &b.bucket, Key: b.full(key), ContentType: aws.String(contentType(key)),
	})
	if err != nil {
		return b.fault(ctx, err)
	}
	done, err := b.sendParts(ctx, key, begun.UploadId, part, body)
	if err == nil {
		_, err = b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &b.bucket, Key: b.full(key), UploadId: begun.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
			IfNoneMatch:     when.ifNoneMatch(), IfMatch: when.ifMatch(),
		})
		if isAbsent(err) && when.etag == "" {
			// It was completed or swept; who puts it again finds out.
			return b.place.waiting(errors.New("the upload is gone"), busyRetry, "an upload is gone")
		}
		err = b.moved(ctx, err)
	}
	if err != nil {
		return errors.Join(err, b.abort(ctx, b.full(key), begun.UploadId))
	}
	return nil
}

func (b *S3) sendParts(ctx context.Context, key string, id *string, part *buffer, body io.Reader) ([]types.CompletedPart, error) {
	var done []types.CompletedPart
	for number, ended := int32(1), false; ; number++ {
		hash := md5.New()
		if _, err := io.Copy(hash, part.reader()); err != nil {
			return nil, err
		}
		sent, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &b.bucket, Key: b.full(key), UploadId: id, PartNumber: aws.Int32(number),
			Body: part.reader(), ContentLength: aws.Int64(part.size),
			ContentMD5: aws.String(base64.StdEncoding.EncodeToString(hash.Sum(nil))),
		}, unsignedBody)
		if err != nil {
			return nil, b.fault(ctx, err)
		}
		done = append(done, types.CompletedPart{ETag: sent.ETag, PartNumber: aws.Int32(number)})
		if ended {
			return done, nil
		}
		part.reset()
		if ended, err = part.fill(ctx, body, partBytes); err != nil {
			return nil, err
		}
		if part.size == 0 {
			return done, nil
		}
	}
}

// abort takes back what is there of an upload, also after the end of ctx. A part
// that stays all the same is invisible, and swept later.
func (b *S3) abort(ctx context.Context, full, id *string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.bucket, Key: full, UploadId: id})
	if err == nil || hasStatus(err, 404) {
		return nil
	}
	return fmt.Errorf("take back its parts: %w", b.fault(ctx, err))
}
