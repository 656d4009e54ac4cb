package bucket

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"nightshift/internal/job"
)

// Location says where a bucket is: in a folder, or on an S3 server.
type Location struct {
	Folder string // absolute; "" for S3
	Bucket string // of S3; "" for a folder
	Prefix string // of the object keys of S3, without slashes at its ends; often ""
}

const locationHint = "write s3://bucket/prefix for an S3 server, or file:///absolute/path for a folder"

// bucketName is what every S3 server takes; some take more.
var bucketName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{1,61}[a-zA-Z0-9]$`)

// ParseLocation reads "s3://bucket/prefix" or "file:///path". Its errors wrap
// [job.ErrInvalid] and have a hint; they never show what stands where a password
// would.
func ParseLocation(text string) (Location, error) {
	address, err := url.Parse(text)
	if err != nil {
		return Location{}, badLocation("it cannot be read as a URL", locationHint)
	}
	switch {
	case address.User != nil:
		return Location{}, badLocation("it holds a user or password",
			"give credentials as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, never in the address of the bucket")
	case address.RawQuery != "" || address.Fragment != "":
		return Location{}, badLocation("it has a part behind ? or #", locationHint+"; endpoint and region come from AWS_ENDPOINT_URL_S3 and AWS_REGION")
	case address.Scheme == "s3":
		return parseS3(address)
	case address.Scheme == "file":
		return parseFolder(address)
	case address.Scheme == "http" || address.Scheme == "https":
		return Location{}, badLocation("it is a web address",
			"write s3://bucket/prefix, and give the address of the server as AWS_ENDPOINT_URL_S3")
	case address.Scheme == "":
		return Location{}, badLocation("it does not say what kind of bucket it is", locationHint)
	}
	return Location{}, badLocation(fmt.Sprintf("%q is no kind of bucket", address.Scheme), locationHint)
}

func parseS3(address *url.URL) (Location, error) {
	if !bucketName.MatchString(address.Host) {
		return Location{}, badLocation(fmt.Sprintf("%q is no name of an S3 bucket", address.Host), locationHint)
	}
	prefix := strings.Trim(address.Path, "/")
	if prefix != "" {
		if err := checkKey(prefix); err != nil {
			return Location{}, &job.HintedError{Err: fmt.Errorf("bucket prefix: %w", err), Hint: locationHint}
		}
	}
	return Location{Bucket: address.Host, Prefix: prefix}, nil
}

func parseFolder(address *url.URL) (Location, error) {
	if address.Host != "" && address.Host != "localhost" {
		return Location{}, badLocation(fmt.Sprintf("a folder on %q cannot be reached", address.Host),
			"write file:///absolute/path with three slashes; for a network drive, the path where it is mounted")
	}
	if !strings.HasPrefix(address.Path, "/") {
		return Location{}, badLocation("the path of the folder is missing", locationHint)
	}
	clean := path.Clean(address.Path)
	if len(clean) > 2 && clean[2] == ':' { // file:///C:/images
		clean = clean[1:]
	}
	return Location{Folder: filepath.FromSlash(clean)}, nil
}

func badLocation(why, hint string) error {
	return &job.HintedError{Err: fmt.Errorf("address of the bucket: %s: %w", why, job.ErrInvalid), Hint: hint}
}

// String is the location as [ParseLocation] reads it.
func (l Location) String() string {
	if l.Bucket == "" {
		return "file://" + filepath.ToSlash(l.Folder)
	}
	return "s3://" + path.Join(l.Bucket, l.Prefix)
}
