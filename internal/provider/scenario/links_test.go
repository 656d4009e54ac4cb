package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/provider"
)

// Where requests are scarce, one request reads the links of all that come within a
// tenth of a second; where they are plenty, nobody waits for long.
func TestLinksAreGathered(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		plenty bool
		took   time.Duration
		reads  int
	}{
		"scarce": {took: gather, reads: 1},
		"plenty": {plenty: true, took: 50*time.Millisecond + gatherBriefly, reads: 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rate := &countedRate{plenty: c.plenty}
				p := clientOf(t, roundTrip(linkedAssets)).Limited(rate)
				began := time.Now()
				go fetchWhole(t, p, "first")
				time.Sleep(50 * time.Millisecond)
				fetchWhole(t, p, "second")
				synctest.Wait()
				if took := time.Since(began); took != c.took || rate.waits != c.reads {
					t.Errorf("took %s and %d requests, want %s and %d", took, rate.waits, c.took, c.reads)
				}
				fetchWhole(t, p, "first")
				if rate.waits != c.reads+1 {
					t.Error("a link was used twice")
				}
			})
		})
	}
}

func fetchWhole(t *testing.T, p provider.Provider, asset string) {
	body, _, err := p.Fetch(t.Context(), provider.Image{Run: "run", Asset: asset})
	if err != nil {
		t.Error(err)
		return
	}
	defer body.Close()
	if content, err := io.ReadAll(body); err != nil || string(content) != asset {
		t.Errorf("%s: got %q and %v", asset, content, err)
	}
}

// linkedAssets is an API that knows all assets, whose bytes are their ids.
func linkedAssets(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return response(http.StatusOK, strings.TrimPrefix(r.URL.Path, "/")), nil
	}
	var asked struct{ AssetIDs []string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	var assets []string
	for _, id := range asked.AssetIDs {
		assets = append(assets, fmt.Sprintf(`{"id": %q, "url": "https://images.example/%s"}`, id, id))
	}
	return response(http.StatusOK, `{"assets": [`+strings.Join(assets, ",")+`]}`), nil
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// stuckRate gives no place in the request rate as long as its context lasts.
type stuckRate struct{ waiting chan struct{} }

func (r stuckRate) Wait(ctx context.Context) error {
	close(r.waiting)
	<-ctx.Done()
	return context.Cause(ctx)
}

func (stuckRate) Refused(_ context.Context, err error) (bool, error) { return false, err }

func (stuckRate) Plenty(context.Context) bool { return false }

// A collector that is asked to stop does so while the links of several are waited for. The
// others still wait, and when the last has left nothing is asked for any more.
func TestCollectorsLeaveALinkThatIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rate := stuckRate{make(chan struct{})}
		p := clientOf(t, roundTrip(linkedAssets)).Limited(rate)
		left := make(chan error)
		collect := func() (stop context.CancelFunc) {
			ctx, stop := context.WithCancel(t.Context())
			go func() {
				_, _, err := p.Fetch(ctx, provider.Image{Run: "run", Asset: "a"})
				left <- err
			}()
			return stop
		}
		first := collect()
		second := collect()
		<-rate.waiting
		first()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the first ended with %v", err)
		}
		synctest.Wait()
		select {
		case err := <-left:
			t.Errorf("the second ended with %v", err)
		default:
		}
		second()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the second ended with %v", err)
		}
		synctest.Wait() // and no goroutine is left, or the test does not end
	})
}
