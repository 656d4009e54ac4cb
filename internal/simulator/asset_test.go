package simulator_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

func TestAssetRecord(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	got := b.must("POST", "/v1/generate/custom/model_sim-quartet", `{"prompt":"a fox","width":96,"height":96,"seed":8}`)
	id := at(got.body, "job", "jobId").(string)
	for _, assetID := range b.assets(id) {
		asset := b.asset(assetID)
		want := []any{assetID, "image", "success", "proj_sim", "apiu_sim", 0.0, "model_sim-quartet", "a fox", "8", id, 4.0, 0.0}
		meta := asset["metadata"]
		have := []any{
			asset["id"], asset["kind"], asset["status"], asset["ownerId"], asset["authorId"], asset["outputIndex"],
			at(meta, "modelId"), at(meta, "prompt"), at(meta, "seed"), at(meta, "parentJobId"), at(meta, "numOutputs"), at(meta, "outputIndex"),
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("asset (-want +got):\n%s", diff)
		}
	}
}

func TestAssetsExistOnlyAfterTheJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: fixed(5 * time.Second)})
		id := b.generate("a")
		time.Sleep(5*time.Second - time.Millisecond)
		if entry := b.sim.Ledger()[0]; entry.Assets != nil || !entry.Ended.IsZero() {
			t.Errorf("the ledger shows %+v before the end", entry)
		}
		time.Sleep(time.Millisecond)
		if got := b.get("/v1/assets/" + b.assets(id)[0]); got.status != 200 {
			t.Errorf("asset answered %d at the end", got.status)
		}
	})
}

// TestBulkRead: 200 at once, unknown ones left out, and over 200 the whole call is
// refused.
func TestBulkRead(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	id := b.assets(b.generate("a"))[0]
	for count, want := range map[int][2]int{1: {200, 1}, 200: {200, 1}, 201: {400, 0}} {
		ids := []string{id}
		for i := range count - 1 {
			ids = append(ids, fmt.Sprint("asset_none", i))
		}
		got := b.must("POST", "/v1/assets/get-bulk", encode(map[string]any{"assetIds": ids}))
		found, _ := got.body["assets"].([]any)
		if diff := cmp.Diff(want, [2]int{got.status, len(found)}); diff != "" {
			t.Errorf("%d ids: status and assets (-want +got):\n%s", count, diff)
		}
	}
}

func TestAssetList(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	first, second := b.assets(b.generate("a"))[0], b.assets(b.generate("b"))[0]
	list := func(query string) []any {
		var ids []any
		for _, row := range b.get("/v1/assets?" + query).body["assets"].([]any) {
			ids = append(ids, at(row, "id"))
		}
		return ids
	}
	page := b.get("/v1/assets?pageSize=1")
	token, _ := page.body["nextPaginationToken"].(string)
	want := [][]any{{second, first}, {first}, nil, {second, first}}
	have := [][]any{
		list(""), list("pageSize=1&paginationToken=" + url.QueryEscape(token)), list("modelId=model_other"),
		list("sortBy=createdAt&createdAfter=2020-01-01T00:00:00Z"),
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
	if got := b.get("/v1/assets?createdAfter=2020-01-01T00:00:00Z"); got.status != 400 {
		t.Errorf("createdAfter without sortBy was answered with %d", got.status)
	}
}

// TestLinks: a link redirects once, lives as long as it should, cannot be changed,
// and refuses an API key at either stop.
func TestLinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: instant, LinkLifetime: time.Hour, PublicURL: "http://cdn.test/"})
		id := b.assets(b.generate("a"))[0]
		link := b.asset(id)["url"].(string)
		if !strings.HasPrefix(link, "http://cdn.test/cdn/assets/"+id+"?") {
			t.Errorf("link %q is not on the public host", link)
		}
		stop := *b.client
		stop.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		fetch := func(link, authorization string) (int, string, string) {
			request, err := http.NewRequestWithContext(t.Context(), "GET", link, nil)
			if err != nil {
				t.Fatal(err)
			}
			if authorization != "" {
				request.Header.Set("Authorization", authorization)
			}
			response, err := stop.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			return response.StatusCode, response.Header.Get("Location"), string(body)
		}
		status, target, _ := fetch(link, "")
		if status != http.StatusFound || !strings.HasPrefix(target, "http://cdn.test/cdn/files/") {
			t.Fatalf("the link answered %d to %q, want a redirect", status, target)
		}
		if status, _, _ := fetch(target, ""); status != http.StatusOK {
			t.Errorf("the target answered %d", status)
		}
		other := b.assets(b.generate("b"))[0]
		for name, test := range map[string]struct {
			link, authorization string
			status              int
			code                string
		}{
			"key at the link":       {link, "Basic c2ltOnNpbQ==", 400, "InvalidArgument"},
			"key at the target":     {target, "Basic c2ltOnNpbQ==", 400, "InvalidArgument"},
			"link for another path": {strings.Replace(link, id, other, 1), "", 403, "AccessDenied"},
			"changed policy":        {strings.Replace(link, "Policy=ey", "Policy=eZ", 1), "", 403, "AccessDenied"},
			"no signature":          {strings.Split(link, "?")[0], "", 403, "AccessDenied"},
		} {
			status, _, body := fetch(test.link, test.authorization)
			if status != test.status || !strings.Contains(body, "<Code>"+test.code+"</Code>") {
				t.Errorf("%s: answered %d %s", name, status, body)
			}
		}
		time.Sleep(time.Hour)
		if status, _, body := fetch(link, ""); status != 403 || !strings.Contains(body, "AccessDenied") {
			t.Errorf("after its lifetime the link answered %d %s", status, body)
		}
		if status, _, _ := fetch(target, ""); status != 403 {
			t.Errorf("after its lifetime the target answered %d", status)
		}
		if status, _, _, err := b.download(b.asset(id)["url"].(string)); status != 200 || err != nil {
			t.Errorf("a fresh link answered %d, %v", status, err)
		}
	})
}

// TestOverRealNetwork runs a job through a real server, where connections are
// dropped for real.
func TestOverRealNetwork(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	server := httptest.NewServer(b.sim)
	defer server.Close()
	b.client = &http.Client{Transport: rebase{server.URL, server.Client().Transport}}
	asset := b.asset(b.assets(b.generate("a coin"))[0])
	status, kind, data, err := b.download(asset["url"].(string))
	if status != 200 || kind != "image/png" || err != nil || float64(len(data)) != at(asset, "properties", "size") {
		t.Errorf("download answered %d %s, %d bytes, %v", status, kind, len(data), err)
	}
	b.faults(simulator.Fault{Kind: simulator.FaultDropAfterAccept, Next: 1}, simulator.Fault{Kind: simulator.FaultTruncateDownload, Next: 1})
	if _, err := b.send("POST", fluxPath, small); err == nil {
		t.Error("a dropped connection gave an answer")
	}
	if totals := b.sim.Totals(); totals.Accepted != 2 {
		t.Errorf("%d jobs were accepted, want the lost one too", totals.Accepted)
	}
	if _, _, data, err := b.download(asset["url"].(string)); !errors.Is(err, io.ErrUnexpectedEOF) || len(data) == 0 {
		t.Errorf("a truncated download gave %d bytes and %v", len(data), err)
	}
}

// rebase sends requests for the test's host to a server.
type rebase struct {
	server string
	next   http.RoundTripper
}

func (r rebase) RoundTrip(request *http.Request) (*http.Response, error) {
	moved := request.Clone(request.Context())
	target, err := url.Parse(r.server)
	if err != nil {
		return nil, err
	}
	moved.URL.Host = target.Host
	return r.next.RoundTrip(moved)
}
