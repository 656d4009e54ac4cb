package bucket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"syscall"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"nightshift/internal/job"
)

// busyRetry is how long work waits before it asks a server again that was busy or
// not there; storeRetry is for what somebody must mend first.
const busyRetry = 10 * time.Second

// place names a bucket for people.
type place struct {
	bucket   string // s3://bucket/prefix
	endpoint string
}

// refusal is an answer of a server, and what to do about it.
type refusal struct {
	codes []string
	what  string
	hint  string
	waits bool
}

// fullCodes are what servers say when there is no more room.
var fullCodes = []string{"QuotaExceeded", "QuotaExceededException", "ServiceQuotaExceededException", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage", "EntityQuotaExceeded", "InsufficientCapacity", "DiskFull", "InvalidQuota"}

// fullError is such an answer; it is the same as a full disk.
type fullError struct{ error }

func (fullError) Is(target error) bool { return target == syscall.ENOSPC }

// refusals are the answers of a server that a person can do something about. %s in
// a hint is the bucket, %[2]s the server.
var refusals = []refusal{
	{[]string{"NoSuchBucket"}, "there is no such bucket",
		"make the bucket of %s on %[2]s, or correct the name; work goes on by itself then", true},
	{[]string{"AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden", "UnauthorizedAccess"}, "access denied",
		"let these credentials read, write, list and delete in %s on %[2]s (docs/storage.md has the policy); work goes on by itself then", true},
	{[]string{"InvalidAccessKeyId", "XAdminUserNotFound", "InvalidToken", "TokenRefreshRequired"}, "the server does not know this access key",
		"correct AWS_ACCESS_KEY_ID (and AWS_SESSION_TOKEN) for %s on %[2]s", true},
	{[]string{"SignatureDoesNotMatch"}, "the secret key is wrong",
		"correct AWS_SECRET_ACCESS_KEY for %s on %[2]s; if it is right, a proxy changes requests on their way", true},
	{[]string{"ExpiredToken", "ExpiredTokenException"}, "the credentials have expired",
		"renew the credentials for %s on %[2]s", true},
	{[]string{"RequestTimeTooSkewed"}, "the clock of this machine is wrong",
		"set the clock of this machine, or that of %[2]s: they differ by minutes (bucket %[1]s)", true},
	{[]string{"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "MovedPermanently", "TemporaryRedirect"},
		"the bucket is in another region",
		"set AWS_REGION to the region of %s (asked was %[2]s)", true},
	{fullCodes,
		"the storage is full or its quota used up",
		"free space or raise the quota of %s on %[2]s; nothing is lost, work goes on by itself then", true},
	{[]string{"KeyTooLongError", "KeyTooLong", "InvalidObjectName", "ObjectParentIsFile", "ExistingObjectIsDirectory", "ObjectExistsAsDirectory"},
		"the server does not take this name",
		"change the output names of the manifest; the bucket is %s on %[2]s", false},
	{[]string{"EntityTooLarge"}, "the object is larger than the server takes",
		"raise the server's limit for %s on %[2]s", false},
}

// Away reports whether err says that the server was not reached, broke off, or asks to
// come back later: what passes without anybody changing a setting.
func Away(err error) bool {
	if _, waits := errors.AsType[*waiting](err); !waits {
		return false
	}
	dial, ok := errors.AsType[*net.OpError](err)
	return job.Hint(err) == "" || ok && dial.Op == "dial"
}

// explain says in words what the server or the connection answered. No type of the
// SDK comes out of it.
func (p place) explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if isAbsent(err) {
		return fs.ErrNotExist
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok && wasAnswered(err) {
		return p.refused(answer, err)
	}
	return p.unreached(err)
}

// refused explains an answer that is no success.
func (p place) refused(answer *awshttp.ResponseError, err error) error {
	status := answer.HTTPStatusCode()
	code, text := codeOf(err, status)
	said := fmt.Errorf("the server says %s", text)
	if region := answer.Response.Header.Get("X-Amz-Bucket-Region"); region != "" && status >= 300 && status < 500 {
		said = fmt.Errorf("%w (the region of the bucket is %s)", said, region)
	}
	if slices.Contains(fullCodes, code) {
		said = fullError{said}
	}
	for _, refusal := range refusals {
		if slices.Contains(refusal.codes, code) {
			return p.hinted(fmt.Errorf("%s: %w", refusal.what, said), refusal.hint, refusal.what, refusal.waits)
		}
	}
	if passes(status, code) {
		return p.waiting(said, busyRetry, "the server answers "+code)
	}
	return p.hinted(fmt.Errorf("%w, which is not expected", said),
		"run worker doctor to see what %s on %[2]s can do, and docs/storage.md", "", false)
}

// codeOf is the server's name for the trouble, and what it says of it. Answers
// without a body have only a status.
func codeOf(err error, status int) (code, text string) {
	refused, ok := errors.AsType[smithy.APIError](err)
	if ok {
		code = refused.ErrorCode()
	}
	if code == "" || code == "UnknownError" || code == http.StatusText(status) {
		code = map[int]string{301: "PermanentRedirect", 307: "TemporaryRedirect", 403: "AccessDenied", 507: "InsufficientStorage"}[status]
	}
	if code == "" {
		code = http.StatusText(status)
	}
	text = fmt.Sprintf("%s (%d)", code, status)
	if ok && refused.ErrorMessage() != "" && refused.ErrorMessage() != code {
		text += ": " + refused.ErrorMessage()
	}
	return code, text
}

// passes reports whether the same request may be answered well later.
func passes(status int, code string) bool {
	switch code {
	case "SlowDown", "RequestTimeout", "InternalError", "BadDigest", "IncompleteBody", "XAmzContentChecksumMismatch",
		"ConditionalRequestConflict", "OperationAborted", "Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable":
		return true
	}
	// A good status with an error is an answer that broke off.
	return status < 300 || status >= 500 && status != http.StatusNotImplemented || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// unreached explains a request that got no answer.
func (p place) unreached(err error) error {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || isUntrusted(err) {
		return p.hinted(fmt.Errorf("the server's certificate is not trusted: %w", innermost(err)),
			"set AWS_CA_BUNDLE to the file with the certificate authority of %[2]s (bucket %[1]s)", "its certificate is not trusted", true)
	}
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	if isRecord || errors.Is(err, http.ErrSchemeMismatch) {
		return p.hinted(fmt.Errorf("the server does not speak TLS: %w", innermost(err)),
			"write http:// in AWS_ENDPOINT_URL_S3, or the port on which %[2]s speaks TLS (bucket %[1]s)", "it does not speak TLS", true)
	}
	if other, ok := errors.AsType[*otherBytesError](err); ok {
		return p.waiting(other, busyRetry, "it has stored other bytes than were sent")
	}
	if stalled, ok := errors.AsType[*stalledError](err); ok {
		return p.waiting(fmt.Errorf("the server does not answer: %w", stalled), busyRetry, "the server does not answer")
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return p.hinted(fmt.Errorf("the server is not reached: %w", dial),
			"check that %[2]s is right (AWS_ENDPOINT_URL_S3) and runs; work on %[1]s goes on by itself then", "the server is not reached", true)
	}
	_, called := errors.AsType[*smithy.OperationError](err)
	_, sent := errors.AsType[*smithyhttp.RequestSendError](err)
	if called && !sent {
		return p.hinted(fmt.Errorf("the request cannot be made: %w", innermost(err)),
			"check that the credentials for %s on %[2]s can be had; work goes on by itself then", "the request cannot be made", true)
	}
	return p.waiting(fmt.Errorf("the connection broke: %w", innermost(err)), busyRetry, "the connection broke")
}

// isUntrusted knows the errors of certificates where they come without a frame.
func isUntrusted(err error) bool {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return unknown || host || invalid
}

// innermost strips what the SDK and the HTTP client put around an error, and with
// it the addresses of requests.
func innermost(err error) error {
	for _, known := range []error{io.ErrUnexpectedEOF, io.EOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNREFUSED} {
		if errors.Is(err, known) {
			return known
		}
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return errors.New(err.Error())
		}
		err = inner
	}
}

// waiting lets err pass by itself.
func (p place) waiting(err error, after time.Duration, detail string) error {
	return &waiting{err, &job.PostponedError{After: after, Reason: job.WaitStorage, Detail: detail + ": " + p.bucket}}
}

// hinted lets a person do something about err; what is said when work waits for that.
func (p place) hinted(err error, hint, what string, waits bool) error {
	if waits {
		err = p.waiting(err, storeRetry, what)
	}
	return &job.HintedError{Err: err, Hint: fmt.Sprintf(hint, p.bucket, p.endpoint)}
}

// isAbsent reports whether the server says that there is no such object. A bucket or
// an access key that is not there is something else.
func isAbsent(err error) bool {
	if !hasStatus(err, http.StatusNotFound) {
		return false
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	return !ok || slices.Contains([]string{"NoSuchKey", "NotFound", "NoSuchUpload", "NoSuchVersion", "UnknownError", ""}, refused.ErrorCode())
}

// wasAnswered reports whether the server answered at all. The SDK makes up an answer
// of status 0 where none came.
func wasAnswered(err error) bool {
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && answer.Response != nil && answer.HTTPStatusCode() > 0
}

// hasFailedCondition reports whether the object is not as the request demanded.
func hasFailedCondition(err error) bool { return hasStatus(err, http.StatusPreconditionFailed) }

func hasStatus(err error, status int) bool {
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && answer.Response != nil && answer.HTTPStatusCode() == status
}
