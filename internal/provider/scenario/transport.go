package scenario

import (
	"net"
	"net/http"
	"time"
)

// connections is how many idle connections are kept to one host, so that a
// burst of workers does not open a new one for each request.
const connections = 128

// newAPITransport carries requests to the API. Idle connections are dropped
// after 30 s, earlier than gateways commonly drop theirs: a submission on a
// connection that the other end has just closed ends as an unknown outcome,
// which costs a look into the job list.
func newAPITransport() *http.Transport {
	transport := newTransport()
	transport.IdleConnTimeout = 30 * time.Second
	// Leaves a submission time to read an answer that began late.
	transport.ResponseHeaderTimeout = defaultDeadlines.submit - 10*time.Second
	return transport
}

// newAssetTransport carries downloads. Transparent compression is off because it
// hides the length of the image.
func newAssetTransport() *http.Transport {
	transport := newTransport()
	transport.IdleConnTimeout = 90 * time.Second
	transport.ResponseHeaderTimeout = defaultDeadlines.linkOpen
	transport.DisableCompression = true
	transport.ReadBufferSize = 64 << 10
	return transport
}

// newTransport speaks HTTP/1.1 only: many downloads at once are markedly slower
// and heavier over one shared HTTP/2 connection.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		Protocols:           protocols,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConns:        2 * connections,
		MaxIdleConnsPerHost: connections,
	}
}
