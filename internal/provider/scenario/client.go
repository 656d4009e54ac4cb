package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"nightshift/internal/egress"
	"nightshift/internal/provider"
)

// Operation names a request to the API; a closed list, used as a label.
type Operation string

// The operations.
const (
	OpModel  Operation = "model"   // read one model
	OpDryRun Operation = "dry_run" // ask for the price of an inference
	OpSubmit Operation = "submit"  // start an inference, paid
	OpJob    Operation = "job"     // read one inference
	OpJobs   Operation = "jobs"    // list inferences
	OpAsset  Operation = "asset"   // read one asset
	OpAssets Operation = "assets"  // read many assets
	OpMade   Operation = "made"    // list assets
	OpUsages Operation = "usages"  // read what was charged
	OpUpload Operation = "upload"  // give a picture
)

// Operations are all of them.
var Operations = []Operation{OpModel, OpDryRun, OpSubmit, OpJob, OpJobs, OpAsset, OpAssets, OpMade, OpUsages, OpUpload}

// Options say which API to talk to, and as whom.
type Options struct {
	// BaseURL is the API's root, "https://api.cloud.scenario.com/v1". Where it has
	// no path, "/v1" is added. Plain http is taken only for a host that is near:
	// this machine, a private address, or a name without a dot, as the services of
	// a compose file have.
	BaseURL string
	// Key and Secret are sent by Basic authentication. Secret may be empty, for an
	// API that takes the key alone.
	Key, Secret string
	// Project is the id of the project to act for; it may be left out for a key
	// that belongs to one project.
	Project string
	// Links are hosts within this machine or its network from which images may be
	// fetched, beside the API's own.
	Links egress.Rules
	// Transport carries all requests, downloads included. Where it is nil, the
	// client makes transports of its own, which look at the address that a name of a
	// link resolves to; another must do so itself.
	Transport http.RoundTripper
	// Observe, where set, is called before each request that is sent to the API,
	// from the goroutine of the call. Downloads are not requests to the API.
	Observe func(Operation)
}

// Client talks to the Scenario API as one API key. It can be used by many
// goroutines at once.
type Client struct {
	base      *url.URL
	project   string
	authorize func(*http.Request) // a function, so that printing a client shows no secret
	clean     func(string) string
	observe   func(Operation)
	api       *http.Client
	assets    http.RoundTripper
	hosts     egress.Rules // of links
	clock     *clock
	receipts  *receipts
	links     *links
	listings  *listings
	names     *names
	requests  provider.Requests
	deadlines deadlines
}

var _ provider.Account = (*Client)(nil)

// deadlines bound every wait of the client.
type deadlines struct {
	read     time.Duration // a whole call that costs nothing
	submit   time.Duration // the whole paid call
	linkOpen time.Duration // from asking for an image to the head of the answer
	linkIdle time.Duration // between two pieces of an image
	linkSlow time.Duration // for leastBytes of an image
	upload   time.Duration // a call that carries a picture, or a part of one
}

var defaultDeadlines = deadlines{
	read:     30 * time.Second,
	submit:   60 * time.Second,
	linkOpen: 30 * time.Second,
	linkIdle: 30 * time.Second,
	linkSlow: 6 * time.Minute,
	upload:   5 * time.Minute,
}

// New makes a client. It returns an error when the options cannot work; the
// error names the option and never shows its value where that may be secret.
func New(options Options) (*Client, error) {
	base, err := parseBase(options.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("scenario base URL: %w", err)
	}
	if options.Key == "" {
		return nil, errors.New("scenario API key: it is empty")
	}
	if strings.Contains(options.Key, ":") {
		return nil, errors.New("scenario API key: it holds a colon, which Basic authentication cannot carry")
	}
	hosts := options.Links.WithHost(base.Hostname(), egress.PortOf(base))
	api, assets := options.Transport, options.Transport
	if api == nil {
		api, assets = newAPITransport(), egress.NewTransport(hosts, newAssetTransport())
	}
	observe := options.Observe
	if observe == nil {
		observe = func(Operation) {}
	}
	return &Client{
		base:      base,
		project:   options.Project,
		authorize: func(r *http.Request) { r.SetBasicAuth(options.Key, options.Secret) },
		clean:     cleaner(options.Key, options.Secret),
		observe:   observe,
		api:       &http.Client{Transport: api, CheckRedirect: followNothing},
		assets:    assets,
		hosts:     hosts,
		clock:     newClock(),
		receipts:  new(receipts),
		links:     new(links),
		listings:  newListings(),
		names:     new(names),
		requests:  uncounted{},
		deadlines: defaultDeadlines,
	}, nil
}

// Close closes idle connections. Calls under way are not touched, and the client
// can be used again.
func (c *Client) Close() {
	c.api.CloseIdleConnections()
	(&http.Client{Transport: c.assets}).CloseIdleConnections()
}

// parseBase checks the API's root. Its errors do not quote the text, which may
// carry a password that somebody put there.
func parseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("it is not an address")
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, errors.New("it must start with https:// or http://")
	case base.Host == "":
		return nil, errors.New("it names no host")
	case base.Scheme == "http" && !near(base.Hostname()):
		return nil, errFarHTTP
	case base.User != nil:
		return nil, errors.New("it holds credentials; give them as key and secret")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("it has a query or fragment; give the root alone")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	if base.Path == "" {
		base.Path = "/v1"
	}
	return base, nil
}

var errFarHTTP = errors.New("it starts with http://, which would send the API key unprotected; write https:// " +
	"(plain http is only for this machine, private addresses and names without a dot)")

// localName is a name that only the local network knows. Digits alone are no name:
// some resolvers read them as an address.
var localName = regexp.MustCompile(`(?i)^([a-z_][a-z0-9_-]*|([a-z0-9-]+\.)+localhost)$`)

// near reports whether what is sent to the host stays on this machine or in its
// network.
func near(host string) bool {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return localName.MatchString(host)
	}
	return address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast()
}

// followNothing keeps the API client from following redirects: the API has none,
// and a redirect after a POST would be a second request.
func followNothing(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
