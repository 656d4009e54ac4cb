package scenario

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

const assetBody = `{"id": "asset_1", "url": "https://cdn.test/assets/1?Signature=x", "mimeType": "image/png",
	"kind": "image", "status": "success", "properties": {"width": 1024, "height": 1024, "size": 979892}}`

var assetOne = job.Asset{ID: "asset_1", Link: "https://cdn.test/assets/1?Signature=x", MIME: "image/png", Size: 979892}

func TestAsset(t *testing.T) {
	t.Parallel()
	var uri string
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		uri = r.Method + " " + r.RequestURI
		answer(200, `{"asset": `+assetBody+`}`)(w, r)
	}).URL)
	got, err := client.Asset(t.Context(), "asset_1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(assetOne, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "GET /v1/assets/asset_1?originalAssets=true"; uri != want {
		t.Errorf("asked %s, want %s", uri, want)
	}
}

func TestAssetThatIsNotReady(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, answer(200, `{"asset": {"id": "asset_1", "url": null, "properties": {"size": -1}, "status": "pending"}}`)).URL)
	got, err := client.Asset(t.Context(), "asset_1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(job.Asset{ID: "asset_1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	var sent string
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = r.Method + " " + r.RequestURI + " " + string(body)
		answer(200, `{"assets": [{"id": "asset_3"}, `+assetBody+`, {"id": "asset_other"}]}`)(w, r)
	}).URL)
	got, err := client.Assets(t.Context(), []string{"asset_1", "asset_2", "asset_3"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]job.Asset{assetOne, {ID: "asset_3"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := `POST /v1/assets/get-bulk?originalAssets=true {"assetIds":["asset_1","asset_2","asset_3"]}`; sent != want {
		t.Errorf("sent %s, want %s", sent, want)
	}
}

func TestAssetsCount(t *testing.T) {
	t.Parallel()
	var counts []int
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct{ AssetIDs []string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		counts = append(counts, len(body.AssetIDs))
		answer(200, `{"assets": []}`)(w, r)
	}).URL)
	ids := make([]string, 201)
	for i := range ids {
		ids[i] = fmt.Sprint("asset_", i)
	}
	_, noneErr := client.Assets(t.Context(), nil)
	_, mostErr := client.Assets(t.Context(), ids[:200])
	_, moreErr := client.Assets(t.Context(), ids)
	if noneErr != nil || mostErr != nil {
		t.Errorf("none: %v, 200: %v", noneErr, mostErr)
	}
	if moreErr == nil || !strings.Contains(moreErr.Error(), "at most 200") {
		t.Errorf("201: %v", moreErr)
	}
	if diff := cmp.Diff([]int{200}, counts); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}
