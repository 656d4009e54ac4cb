package egress

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Transport carries requests to hosts that the rules allow. Where a proxy of the
// environment connects in its place, it looks the name up itself; a name that it cannot
// resolve is left to the proxy.
type Transport struct {
	rules   Rules
	guarded *http.Transport // looks at each address that it connects to
	open    *http.Transport // for hosts that are named, and by a proxy
	proxy   func(*http.Request) (*url.URL, error)
	lookup  func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// NewTransport returns a transport with the settings of base, whose own dialer it does not
// use.
func NewTransport(rules Rules, base *http.Transport) *Transport {
	t := &Transport{
		rules: rules, guarded: base.Clone(), open: base,
		proxy: base.Proxy, lookup: net.DefaultResolver.LookupNetIP,
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: t.control}
	t.guarded.Proxy, t.guarded.DialContext = nil, dialer.DialContext
	return t
}

// control is called with the address, after names were resolved and before anything is
// sent there.
func (t *Transport) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %q: %w", address, err)
	}
	return t.rules.Check(to.Addr())
}

// RoundTrip implements [http.RoundTripper]. An error wraps a [RefusedError] where the host
// is not to be connected to.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.rules.Name(r.URL.Hostname(), PortOf(r.URL)) {
		return t.open.RoundTrip(r)
	}
	if t.proxy != nil {
		proxy, err := t.proxy(r)
		if err != nil {
			return nil, fmt.Errorf("read the settings of the proxy: %w", err)
		}
		if proxy != nil {
			if err := t.resolve(r.Context(), r.URL.Hostname()); err != nil {
				return nil, err
			}
			return t.open.RoundTrip(r)
		}
	}
	return t.guarded.RoundTrip(r)
}

// resolve checks every address of a host that a proxy will connect to.
func (t *Transport) resolve(ctx context.Context, name string) error {
	addresses, err := t.lookup(ctx, "ip", name)
	if err != nil {
		return t.rules.CheckHost(name)
	}
	for _, address := range addresses {
		if err := t.rules.Check(address); err != nil {
			return err
		}
	}
	return nil
}

// CloseIdleConnections closes those that nobody uses now.
func (t *Transport) CloseIdleConnections() {
	t.guarded.CloseIdleConnections()
	t.open.CloseIdleConnections()
}

// PortOf is the port that an address leads to.
func PortOf(address *url.URL) string {
	switch {
	case address.Port() != "":
		return address.Port()
	case address.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
