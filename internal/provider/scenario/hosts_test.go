package scenario

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"nightshift/internal/egress"
	"nightshift/internal/job"
)

// No link and no redirect is followed to where only this machine or its network leads, by
// another scheme, or less well protected than the API; the words name host and reason.
func TestDownloadRefusesLinks(t *testing.T) {
	t.Parallel()
	touched := 0
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { touched++ })
	target := ""
	api := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
	client := newClient(t, api.URL)
	secure, err := New(Options{BaseURL: "https://api.test", Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		link, says string
		https      bool // the API is
	}{
		{link: elsewhere.URL, says: "127.0.0.1 is refused: 127.0.0.1 is a loopback address"},
		{link: strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1), says: "localhost is refused: 127.0.0.1 is a loopback address"},
		{link: strings.Replace(elsewhere.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), says: "is a loopback address"},
		{link: "http://169.254.169.254/latest/meta-data/", says: "169.254.169.254 is a link-local address"},
		{link: "http://[fe80::1]/a.png", says: "fe80::1 is a link-local address"},
		{link: "https://10.0.0.1/a.png", says: "10.0.0.1 is a private address"},
		{link: "http://224.0.0.1/a.png", says: "224.0.0.1 is a multicast address"},
		{link: "http://0.0.0.0:" + port(elsewhere.URL) + "/a.png", says: "0.0.0.0 is no host's address"},
		{link: "ftp://cdn.test/a.png", says: `cdn.test is refused: an address of the scheme "ftp"`},
		{link: "file:///etc/passwd", says: `the link is refused: an address of the scheme "file"`},
		{link: "http://cdn.test/a.png", says: "cdn.test is refused: by http, which is not encrypted", https: true},
		{link: elsewhere.URL, says: "127.0.0.1 is refused: by http", https: true},
	} {
		if test.https {
			_, _, err := secure.Download(t.Context(), job.Link(test.link))
			wantRefused(t, err, test.link, test.says)
			continue
		}
		_, _, err := client.Download(t.Context(), job.Link(test.link))
		wantRefused(t, err, test.link, test.says)
		target = test.link
		_, _, err = client.Download(t.Context(), job.Link(api.URL+"/a.png?"+signed))
		wantRefused(t, err, "redirect to "+test.link, test.says)
	}
	if touched > 0 {
		t.Errorf("a refused host was asked %d times", touched)
	}
}

// Those that a person names are followed all the same.
func TestDownloadFollowsNamedHosts(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, answer(200, "image"))
	api := serve(t, to(elsewhere.URL))
	for _, rule := range []string{"127.0.0.1", "127.0.0.1:" + port(elsewhere.URL), "127.0.0.0/8"} {
		fetch(t, clientWith(t, api.URL, rule), api.URL)
		fetch(t, clientWith(t, "http://127.0.0.1:1", rule), elsewhere.URL)
	}
}

func fetch(t *testing.T, client *Client, link string) {
	t.Helper()
	body, _, err := client.Download(t.Context(), job.Link(link))
	if err != nil {
		t.Fatal(err)
	}
	_ = body.Close()
}

// clientWith makes a client that may follow links to these hosts.
func clientWith(t *testing.T, base string, links ...string) *Client {
	t.Helper()
	rules, err := egress.Parse(links)
	if err != nil {
		t.Fatal(err)
	}
	client, err := New(Options{BaseURL: base, Key: testKey, Secret: testSecret, Links: rules})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func port(address string) string { return address[strings.LastIndex(address, ":")+1:] }

func wantRefused(t *testing.T, err error, link, says string) {
	t.Helper()
	if _, refused := errors.AsType[*job.LinkRefusedError](err); !refused || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want it refused with %q", link, err, says)
	}
}
