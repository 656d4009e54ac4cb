package simulator_test

import (
	"bytes"
	"image"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	bucketimage "nightshift/internal/bucket/image"
	"nightshift/internal/simulator"
)

// TestLinksElsewhere: a record, or the answer to its link, leads to where the fault says.
func TestLinksElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	id := b.assets(b.generate("a"))[0]
	b.faults(
		simulator.Fault{Kind: simulator.FaultForeignLink, Next: 1, URL: "file:///etc/passwd"},
		simulator.Fault{Kind: simulator.FaultForeignRedirect, Next: 1},
	)
	if link := b.asset(id)["url"]; link != "file:///etc/passwd" {
		t.Errorf("the record links to %v", link)
	}
	stop := *b.client
	stop.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, want := range []string{"http://169.254.169.254/latest/meta-data/", "http://"} {
		response, err := stop.Get(b.asset(id)["url"].(string))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if to := response.Header.Get("Location"); response.StatusCode != 302 || len(to) < len(want) || to[:len(want)] != want {
			t.Errorf("answered %d to %q, want 302 to %s", response.StatusCode, to, want)
		}
	}
}

// TestUndecodableImages: as long as the image and whole to every check of structure; no
// decoder can read it.
func TestUndecodableImages(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"png", "jpeg", "webp"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			b := setup(t, simulator.Options{Latency: instant})
			got := b.must("POST", "/v1/generate/custom/model_sim-panorama", `{"prompt":"a","aspectRatio":"1:1","outputFormat":"`+format+`"}`)
			link := b.asset(b.assets(at(got.body, "job", "jobId").(string))[0])["url"].(string)
			_, _, whole, err := b.download(link)
			if err != nil {
				t.Fatal(err)
			}
			b.faults(simulator.Fault{Kind: simulator.FaultUndecodableImage, Next: 1})
			_, _, data, err := b.download(link)
			if err != nil || len(data) != len(whole) {
				t.Fatalf("%d bytes, want %d, %v", len(data), len(whole), err)
			}
			guard := bucketimage.NewGuard(bytes.NewReader(data), int64(len(data)), bucketimage.Limits{})
			if _, err := io.Copy(io.Discard, guard); err != nil {
				t.Errorf("its structure is not whole: %v", err)
			}
			if _, _, err := image.Decode(bytes.NewReader(data)); err == nil {
				t.Error("it decodes")
			}
		})
	}
}

// TestAssetLies: records that are wrong, missing or refused, and files that are missing.
func TestAssetLies(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	id := b.assets(b.generate("a"))[0]
	right := b.asset(id)
	b.faults(simulator.Fault{Kind: simulator.FaultWrongRecord, Next: 1})
	want := map[string]any{}
	for name, value := range right["properties"].(map[string]any) {
		want[name] = 2 * value.(float64)
	}
	if diff := cmp.Diff(want, b.asset(id)["properties"]); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	b.faults(simulator.Fault{Kind: simulator.FaultMissingAsset, Next: 2})
	bulk := encode(map[string]any{"assetIds": []string{id}})
	if got := b.get("/v1/assets/" + id); got.status != 404 {
		t.Errorf("a missing asset answers %d", got.status)
	}
	if got := b.must("POST", "/v1/assets/get-bulk", bulk); got.status != 200 || len(got.body["assets"].([]any)) != 0 {
		t.Errorf("a missing asset among many: %d %v", got.status, got.body)
	}
	b.faults(simulator.Fault{Kind: simulator.FaultRefuseAssets, Next: 2})
	for _, got := range []reply{b.get("/v1/assets/" + id), b.must("POST", "/v1/assets/get-bulk", bulk)} {
		if diff := cmp.Diff(reply{403, map[string]any{"message": "Forbidden"}}, got, cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
	}
	b.faults(simulator.Fault{Kind: simulator.FaultRefuseList, Next: 1})
	if diff := cmp.Diff(reply{403, map[string]any{"message": "Forbidden"}}, b.get("/v1/jobs"), cmp.AllowUnexported(reply{})); diff != "" {
		t.Errorf("a refused list (-want +got):\n%s", diff)
	}
	b.faults(simulator.Fault{Kind: simulator.FaultMissingFile, Next: 1})
	if status, _, _, err := b.download(right["url"].(string)); status != 404 || err != nil {
		t.Errorf("a missing file answers %d, %v", status, err)
	}
}
