package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// counted is a server that counts its connections.
func counted(t *testing.T) (port string, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL[strings.LastIndex(server.URL, ":")+1:], connections
}

func get(t *testing.T, transport http.RoundTripper, address string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
	}
	return err
}

// A name is judged by what it resolves to, when the connection is made.
func TestTransportLooksAtTheAddress(t *testing.T) {
	t.Parallel()
	port, connections := counted(t)
	for name, test := range map[string]struct {
		rules   []string
		allowed bool
	}{
		"nothing named":    {nil, false},
		"the name":         {[]string{"localhost"}, true},
		"its port":         {[]string{"localhost:" + port}, true},
		"another port":     {[]string{"localhost:1"}, false},
		"its network":      {[]string{"127.0.0.0/8", "::1"}, true},
		"another network":  {[]string{"10.0.0.0/8"}, false},
		"the address only": {[]string{"127.0.0.1:" + port}, false},
	} {
		rules, err := Parse(test.rules)
		if err != nil {
			t.Fatal(err)
		}
		transport := NewTransport(rules, &http.Transport{})
		before := connections.Load()
		err = get(t, transport, "http://localhost:"+port)
		_, refused := errors.AsType[*RefusedError](err)
		if refused == test.allowed || connections.Load() > before != test.allowed {
			t.Errorf("%s: %v after %d connections, allowed is to be %t", name, err, connections.Load()-before, test.allowed)
		}
		transport.CloseIdleConnections()
	}
}

// Where a proxy connects, names are looked up before it is asked.
func TestTransportBehindAProxy(t *testing.T) {
	t.Parallel()
	port, _ := counted(t)
	proxy, err := url.Parse("http://127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	transport := NewTransport(Rules{}, &http.Transport{Proxy: http.ProxyURL(proxy)})
	t.Cleanup(transport.CloseIdleConnections)
	transport.lookup = func(_ context.Context, _, name string) ([]netip.Addr, error) {
		known := map[string][]netip.Addr{
			"outside.test": {netip.MustParseAddr("8.8.8.8")},
			"inside.test":  {netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("10.0.0.1")},
		}
		if known[name] == nil {
			return nil, &net.DNSError{Name: name, IsNotFound: true}
		}
		return known[name], nil
	}
	for host, allowed := range map[string]bool{
		"outside.test": true, "known-to-the-proxy.test": true, "inside.test": false, "10.0.0.1": false, "localhost": false,
	} {
		err := get(t, transport, "http://"+host+"/")
		if _, refused := errors.AsType[*RefusedError](err); refused == allowed || allowed && err != nil {
			t.Errorf("%s: %v, allowed is to be %t", host, err, allowed)
		}
	}
}
