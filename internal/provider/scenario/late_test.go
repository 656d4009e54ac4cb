package scenario

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// Whoever looks for a lost submission takes it for never sent after a time. One that
// is late, or gets its connection too late, must not be sent then.
func TestSubmitsNothingLate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		left time.Duration // at the call
		dial time.Duration // longer than that
	}{
		{"process stood still", -time.Second, 0},
		{"connection came late", 50 * time.Millisecond, 100 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var accepted atomic.Int64
			server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err == nil { // a head alone says nothing that could be accepted
					accepted.Add(1)
				}
			})
			client := clientOf(t, &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				<-time.After(test.dial)
				return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
			}})
			_, err := client.Submit(t.Context(), time.Now().Add(test.left), testRequest)
			if !errors.Is(err, errLate) || unknown(err) {
				t.Errorf("got %v, want that nothing was sent", err)
			}
			server.Close() // waits for what it has begun
			if n := accepted.Load(); n != 0 {
				t.Errorf("%d submissions arrived", n)
			}
		})
	}
}
