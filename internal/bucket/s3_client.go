package bucket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"nightshift/internal/job"
)

const (
	dialTime = 10 * time.Second
	// credentialTime bounds how long credentials are looked for.
	credentialTime = 10 * time.Second
	// tries and maxBackoff are for requests that can be repeated as they are.
	tries      = 4
	maxBackoff = 2 * time.Second
	// socketBuffer is what a connection reads and writes at a time: more than the
	// usual 4 kB saves a quarter of the CPU, and much more costs memory per connection.
	socketBuffer = 64 << 10
	// anyRegion is what requests are signed for where only an endpoint is known.
	anyRegion = "us-east-1"
)

// newClient returns the client and the address that messages name.
func newClient(ctx context.Context, o S3Options) (*s3.Client, string, error) {
	loaded, err := loadConfig(ctx, o)
	if err != nil {
		return nil, "", err
	}
	endpoint := s3.NewFromConfig(loaded).Options().BaseEndpoint
	if endpoint, err = checkEndpoint(endpoint); err != nil {
		return nil, "", err
	}
	if loaded.Region == "" && endpoint == nil {
		return nil, "", &job.HintedError{
			Err:  fmt.Errorf("S3 bucket %q: no region is set: %w", o.Bucket, job.ErrInvalid),
			Hint: "set AWS_REGION to the region of the bucket, or AWS_ENDPOINT_URL_S3 for a server that is not AWS",
		}
	}
	transport := loaded.HTTPClient.(*awshttp.BuildableClient).GetTransport()
	if o.RootCAs != nil {
		transport.TLSClientConfig.RootCAs = o.RootCAs
	}
	client := s3.NewFromConfig(loaded, func(s *s3.Options) {
		s.HTTPClient = httpClient(transport, o)
		s.Retryer = newRetryer()
		s.UsePathStyle = endpoint != nil
		if s.Region == "" {
			s.Region = regionOf(endpoint)
		}
		// What is checked, and how, is said at each request: see checks.go.
		s.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		s.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		s.DisableLogOutputChecksumValidationSkipped = true
		s.Logger = logging.Nop{}
		s.ClientLogMode = 0 // requests in a log would hold their signatures
		s.DisableMultiRegionAccessPoints = endpoint != nil
		if isGoogle(endpoint) {
			s.APIOptions = append(s.APIOptions, signLess)
		}
	})
	if err := haveCredentials(ctx, client.Options().Credentials, o.Bucket); err != nil {
		return nil, "", err
	}
	return client, addressOf(endpoint, client.Options().Region), nil
}

// loadConfig gathers what environment, files and options say.
func loadConfig(ctx context.Context, o S3Options) (aws.Config, error) {
	settings := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().
			WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTime }).
			WithTransportOptions(func(t *http.Transport) { tune(t, o.Workers) })),
	}
	if o.Region != "" {
		settings = append(settings, config.WithRegion(o.Region))
	}
	if o.Endpoint != "" {
		settings = append(settings, config.WithBaseEndpoint(o.Endpoint))
	}
	if o.AccessKey != "" {
		settings = append(settings, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, "")))
	}
	loaded, err := config.LoadDefaultConfig(ctx, settings...)
	if err == nil && s3.NewFromConfig(loaded).Options().BaseEndpoint != nil {
		// No machine of AWS answers for another server's credentials: asking takes long.
		loaded, err = config.LoadDefaultConfig(ctx, append(settings, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))...)
	}
	if err != nil {
		return aws.Config{}, &job.HintedError{
			Err:  fmt.Errorf("read the AWS settings: %w", err),
			Hint: "check AWS_PROFILE, AWS_CA_BUNDLE and the files in ~/.aws",
		}
	}
	return loaded, nil
}

// tune makes a connection fit for many images at a time. HTTP/2 would carry all of
// them over one connection, at half the speed.
func tune(t *http.Transport, workers int) {
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	t.ForceAttemptHTTP2 = false
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = workers
	t.ExpectContinueTimeout = time.Second
	t.TLSHandshakeTimeout = dialTime
	t.DisableCompression = true
	t.ReadBufferSize, t.WriteBufferSize = socketBuffer, socketBuffer
}

func httpClient(transport http.RoundTripper, o S3Options) *http.Client {
	if o.Wrap != nil {
		transport = o.Wrap(transport)
	}
	return &http.Client{
		Transport: watched{next: transport, stall: o.Stall},
		// A redirect means another region; it is an error to explain, not to follow.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newRetryer() aws.Retryer {
	return retry.AddWithErrorCodes(retry.NewStandard(func(s *retry.StandardOptions) {
		s.MaxAttempts, s.MaxBackoff = tries, maxBackoff
		s.RateLimiter = ratelimit.None
	}), "ConditionalRequestConflict", "OperationAborted", "IncompleteBody", "BadDigest")
}

// checkEndpoint refuses addresses that no request can go to, and those with a password.
func checkEndpoint(endpoint *string) (*string, error) {
	if endpoint == nil || *endpoint == "" {
		return nil, nil
	}
	address, err := url.Parse(*endpoint)
	if err != nil || address.Host == "" || (address.Scheme != "http" && address.Scheme != "https") {
		return nil, &job.HintedError{
			Err:  fmt.Errorf("the address of the S3 server is no URL: %w", job.ErrInvalid),
			Hint: "write it as https://host:port in AWS_ENDPOINT_URL_S3",
		}
	}
	if address.User != nil || address.RawQuery != "" {
		return nil, &job.HintedError{
			Err:  fmt.Errorf("the address of the S3 server holds a password or a query: %w", job.ErrInvalid),
			Hint: "leave only https://host:port in AWS_ENDPOINT_URL_S3; credentials go to AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		}
	}
	return endpoint, nil
}

func regionOf(endpoint *string) string {
	if endpoint != nil && strings.Contains(*endpoint, ".r2.cloudflarestorage.com") {
		return "auto"
	}
	return anyRegion
}

func addressOf(endpoint *string, region string) string {
	if endpoint == nil {
		return "AWS in region " + region
	}
	return *endpoint
}

var errNoCredentials = errors.New("no credentials were found")

// haveCredentials finds out early that there are none.
func haveCredentials(ctx context.Context, from aws.CredentialsProvider, bucket string) error {
	ctx, cancel := context.WithTimeout(ctx, credentialTime)
	defer cancel()
	if from != nil {
		// The SDK's own error is a long list of where it looked; it names no secret, and helps nobody.
		if found, err := from.Retrieve(ctx); err == nil && found.HasKeys() {
			return nil
		}
	}
	return &job.HintedError{
		Err:  fmt.Errorf("S3 bucket %q: %w", bucket, errNoCredentials),
		Hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role",
	}
}
