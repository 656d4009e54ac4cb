package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"nightshift/internal/egress"
	"nightshift/internal/job"
)

// maxRedirects is how many redirects a download follows.
const maxRedirects = 5

// Download opens the image behind a link. The caller must close body. The length
// is in bytes, -1 where the host does not tell. It returns an error that wraps
// [job.ErrGone] where the link no longer opens, after which the asset is to be
// read again, a [job.LinkRefusedError] where it leads to where no image is fetched from,
// and otherwise a plain error that may pass. Reading body fails when
// no byte comes for 30 s, or less than 1 KiB in six minutes; there is no limit to the whole download but ctx. Errors
// do not say that a download was tried: only the caller knows of which asset.
//
// Scenario API: links are signed and expire after days; their hosts vary, and
// they may redirect. They want no API key.
func (c *Client) Download(ctx context.Context, link job.Link) (body io.ReadCloser, length int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	late := fmt.Errorf("no answer within %s", c.deadlines.linkOpen)
	opening := time.AfterFunc(c.deadlines.linkOpen, func() { cancel(late) })
	response, err := c.open(ctx, link)
	if err == nil && !opening.Stop() {
		response.Body.Close()
		err = late
	}
	if err != nil {
		opening.Stop()
		err = reasonOf(ctx, err) // before cancel gives it another
		cancel(nil)
		return nil, 0, err
	}
	return newIdleBody(ctx, cancel, response.Body, c.deadlines), response.ContentLength, nil
}

// open follows the link to the image. It does so by hand, because http.Client
// would tell the next host the signed link (Referer), turn a user name in an
// address into credentials, and write addresses into errors.
func (c *Client) open(ctx context.Context, link job.Link) (*http.Response, error) {
	address, err := parseLink(nil, link.Reveal())
	if err != nil {
		return nil, err
	}
	for range maxRedirects + 1 {
		if err := c.mayFollow(address); err != nil {
			return nil, err
		}
		response, err := c.get(ctx, address)
		if err != nil || response.StatusCode == http.StatusOK {
			return response, err
		}
		address, err = nextAddress(address, response)
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the link redirects more than %d times", maxRedirects)
}

// nextAddress is where an answer other than the image leads, if anywhere.
func nextAddress(from *url.URL, response *http.Response) (*url.URL, error) {
	defer response.Body.Close()
	// A short answer read to its end leaves the connection usable; what cannot be
	// read of it does not matter.
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	location := response.Header.Get("Location")
	if !redirects(response.StatusCode) || location == "" {
		return nil, refusedLink(response.StatusCode)
	}
	return parseLink(from, location)
}

func (c *Client) get(ctx context.Context, address *url.URL) (*http.Response, error) {
	request := (&http.Request{
		Method: http.MethodGet,
		URL:    address,
		Host:   address.Host,
		Header: http.Header{"User-Agent": {"nightshift"}},
	}).WithContext(ctx)
	response, err := c.assets.RoundTrip(request)
	if err != nil {
		return nil, linkRefused(address, withoutAddress(err))
	}
	return response, nil
}

// mayFollow refuses an address that nothing may be fetched from, as far as it shows
// before it is connected to: another scheme, http where the API itself is reached over
// https, or an address of this machine or its network.
func (c *Client) mayFollow(address *url.URL) error {
	switch {
	case address.Scheme != "https" && address.Scheme != "http":
		return &job.LinkRefusedError{Host: address.Hostname(), Why: "an address of the scheme " + strconv.Quote(address.Scheme) + ", which is not https"}
	case address.Host == "":
		return errors.New("the link names no host")
	case address.Scheme == "http" && c.base.Scheme != "http":
		return &job.LinkRefusedError{Host: address.Hostname(), Why: "by http, which is not encrypted as the API is"}
	case c.hosts.Name(address.Hostname(), egress.PortOf(address)):
		return nil
	default:
		return linkRefused(address, c.hosts.CheckHost(address.Hostname()))
	}
}

// linkRefused names the link's host where its address is one that is not connected to.
func linkRefused(link *url.URL, err error) error {
	refused, ok := errors.AsType[*egress.RefusedError](err)
	if !ok {
		return err
	}
	return &job.LinkRefusedError{Host: link.Hostname(), Why: refused.Error(), Inner: true}
}

// parseLink reads an address, relative to from where that is given. Its errors do
// not quote the address.
func parseLink(from *url.URL, text string) (*url.URL, error) {
	if text == "" {
		return nil, fmt.Errorf("the asset has no link: %w", job.ErrGone)
	}
	address, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the link is not an address")
	}
	if from != nil {
		address = from.ResolveReference(address)
	}
	return address, nil
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

func refusedLink(status int) error {
	switch status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("the link's host answered %d: %w", status, job.ErrGone)
	default:
		return fmt.Errorf("the link's host answered %d", status)
	}
}

// reasonOf prefers the reason why ctx ended to the error that this brought about.
func reasonOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
