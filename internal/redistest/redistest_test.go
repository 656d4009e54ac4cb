package redistest_test

import (
	"net"
	"testing"
	"time"

	"nightshift/internal/redistest"
)

func TestServersAreApartAndEndWithTheirTest(t *testing.T) {
	t.Parallel()
	var addr string
	t.Run("inner", func(t *testing.T) {
		one, two := redistest.Start(t), redistest.Start(t)
		addr = one.Addr()
		if err := one.Client(t).Set(t.Context(), "name", "one", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if n := two.Client(t).Exists(t.Context(), "name").Val(); n != 0 {
			t.Error("the second server sees the first one's data")
		}
	})
	if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		_ = conn.Close()
		t.Error("the server still listens after its test")
	}
}
