package scenario

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// hero is a picture that goes in one call.
var hero = provider.Upload{
	Name: "hero.png", ContentType: "image/png", Bytes: 4,
	Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader([]byte("hero"))), nil
	},
}

// Only a refusal that the API itself must have written says that an upload was not taken;
// none is repeated.
func TestRefusedUploads(t *testing.T) {
	t.Parallel()
	const lost, refused, access = "lost", "refused", "access"
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"not an image":                 {400, `{"reason": "Input image is invalid"}`, refused},
		"too large for the gateway":    {413, `<html>Request Entity Too Large</html>`, refused},
		"no scope":                     {403, `{"message": "This API key does not have the scope assets.write"}`, access},
		"a firewall":                   {403, `<html>Forbidden</html>`, lost},
		"a proxy that is asked often":  {429, `<html>Slow down</html>`, lost},
		"a server error":               {500, `{"reason": "Internal"}`, lost},
		"a gateway that has given up":  {504, ``, lost},
		"a success without an asset":   {200, `{}`, lost},
		"the answer to another":        {200, `{"asset": {"id": "asset_2", "metadata": {"name": "sword.png"}}}`, lost},
		"a success that is no JSON":    {200, `<html>Welcome</html>`, lost},
		"a refusal of somebody else":   {400, `{"ticket": 5}`, lost},
		"an address that is not there": {404, `<html>Not Found</html>`, lost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			client := clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				calls++
				_, _ = io.Copy(io.Discard, r.Body)
				return response(c.status, c.body), nil
			}))
			asset, err := client.Upload(t.Context(), hero)
			got := "none of these"
			_, no := errors.AsType[*job.AccessError](err)
			switch {
			case unknown(err):
				got = lost
			case errors.Is(err, job.ErrInvalid):
				got = refused
			case no:
				got = access
			}
			if got != c.want || asset != "" || calls != 1 {
				t.Errorf("after %d calls it is %s: %q, %v; want %s", calls, got, asset, err, c.want)
			}
		})
	}
}

// An upload that did not reach the API is not in doubt.
func TestUploadToNobody(t *testing.T) {
	t.Parallel()
	client := newClient(t, "http://127.0.0.1:1/v1")
	if _, err := client.Upload(t.Context(), hero); err == nil || unknown(err) {
		t.Errorf("error %v, want one that leaves nothing open", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Upload(ctx, hero); !errors.Is(err, context.Canceled) || unknown(err) {
		t.Errorf("error %v, want that of the context alone", err)
	}
}
