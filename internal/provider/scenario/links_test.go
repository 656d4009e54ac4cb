package scenario

import (
	"encoding/json"
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
