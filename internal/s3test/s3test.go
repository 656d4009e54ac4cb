// Package s3test starts S3 servers for tests and for trying things out: a real one,
// versitygw on a folder, as a process of its own ([Launch], [Start]), and one within
// the process that keeps everything in memory ([Memory]). Both speak TLS with a
// certificate made for the occasion, on a free port of the loopback.
package s3test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Server is a running server and how to reach it.
type Server struct {
	Endpoint  string // https://127.0.0.1:port
	Region    string
	AccessKey string
	SecretKey string
	CAFile    string // for AWS_CA_BUNDLE; of a server that was launched it is its certificate
	KeyFile   string // of the certificate, where the server was launched
	RootCAs   *x509.CertPool

	stop func() error
	// Only of a process of its own.
	command []string
	signal  func(os.Signal) error
	pid     int
}

const (
	region    = "us-east-1"
	accessKey = "nightshift-test"
	secretKey = "nightshift-test-secret"
)

// Stop ends the server and returns when it is gone. What it keeps on disk stays.
func (s *Server) Stop() error { return s.stop() }

// Environ is what a program needs in its environment to reach the server as the AWS
// SDK does.
func (s *Server) Environ() []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + s.Endpoint, "AWS_REGION=" + s.Region, "AWS_CA_BUNDLE=" + s.CAFile,
		"AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// Client is the SDK's own client of the server, for what tests look at or break
// behind a bucket's back. It does not repeat requests and adds no checksums.
func (s *Server) Client() *s3.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.RootCAs, MinVersion: tls.VersionTLS12}}
	return s3.New(s3.Options{
		BaseEndpoint: &s.Endpoint, Region: s.Region, UsePathStyle: true,
		Credentials:                credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
		HTTPClient:                 &http.Client{Transport: transport},
		Retryer:                    aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
}

// MakeBucket makes a bucket.
func (s *Server) MakeBucket(ctx context.Context, name string) error {
	if _, err := s.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}); err != nil {
		return fmt.Errorf("make bucket %q: %w", name, err)
	}
	return nil
}
