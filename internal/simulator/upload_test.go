package simulator_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

// pngOf is a picture of a size: a green square on a white ground.
func pngOf(width, height int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			paint := color.NRGBA{255, 255, 255, 255}
			if x >= width/4 && x < width*3/4 && y >= height/4 && y < height*3/4 {
				paint = color.NRGBA{20, 160, 60, 255}
			}
			img.SetNRGBA(x, y, paint)
		}
	}
	var buffer bytes.Buffer
	if err := png.Encode(&buffer, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return buffer.Bytes()
}

// padded is an image of at least a size: what comes after the end of a PNG is no part of it.
func padded(data []byte, size int) []byte {
	return append(bytes.Clone(data), make([]byte, max(0, size-len(data)))...)
}

func imageBody(name string, data []byte) string {
	return encode(map[string]any{"name": name, "image": base64.StdEncoding.EncodeToString(data)})
}

// upload sends an image at once and returns its asset id.
func (b *bench) upload(name string, data []byte) string {
	b.t.Helper()
	got := b.must("POST", "/v1/assets", imageBody(name, data))
	if got.status != http.StatusOK {
		b.t.Fatalf("POST /assets answered %d %v", got.status, got.body)
	}
	return at(got.body, "asset", "id").(string)
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func TestUploadAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	data := pngOf(40, 30)
	body := encode(map[string]any{
		"name": "hero.png", "image": "data:image/png;base64," + base64.StdEncoding.EncodeToString(data),
		"hide": true, "collectionIds": []string{"collection_1"},
	})
	asset := b.must("POST", "/v1/assets?originalAssets=true", body).body["asset"].(map[string]any)
	properties := map[string]any{"width": 40.0, "height": 30.0, "size": float64(len(data))}
	want := []any{"image/png", "image", "uploaded", "success", "uploaded", "hero.png", properties, []any{"collection_1"}, true, "proj_sim", nil}
	have := []any{
		asset["mimeType"], asset["kind"], asset["source"], asset["status"], at(asset, "metadata", "type"), at(asset, "metadata", "name"),
		asset["properties"], asset["collectionIds"], asset["isHidden"], asset["ownerId"], at(asset, "metadata", "modelId"),
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("asset (-want +got):\n%s", diff)
	}
	if _, _, got, err := b.download(asset["url"].(string)); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the link gives %d bytes, %v", len(got), err)
	}
	entries := b.sim.Uploads()
	if len(entries) != 1 || entries[0].SHA256 != sumOf(data) || entries[0].Name != "hero.png" ||
		entries[0].AssetID != asset["id"] || entries[0].Status != "imported" || b.sim.Totals().Uploads != 1 {
		t.Errorf("the ledger shows %+v", entries)
	}
	if rows := at(b.get("/_sim/ledger").body, "uploads").([]any); at(rows[0], "sha256") != sumOf(data) {
		t.Errorf("the ledger as it is asked for shows %v", rows)
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{
		Keys: []simulator.Key{
			{Key: "sim", Secret: "sim"},
			{Key: "reader", Secret: "s", Scopes: []string{"assets.read"}}, {Key: "writer", Secret: "s", Scopes: []string{"assets.write"}},
		},
	})
	bomb := pngOf(1, 1)
	copy(bomb[16:24], []byte{0, 1, 0, 0, 0, 1, 0, 0}) // 65,536 by 65,536 pixels
	whole := pngOf(64, 64)
	for name, test := range map[string]struct {
		key, body string
		status    int
		reason    string
	}{
		"no name":         {"sim:sim", encode(map[string]any{"image": "aGk="}), 400, "Input name is required"},
		"no image":        {"sim:sim", `{"name":"a.png"}`, 400, "Input image is required"},
		"not base64":      {"sim:sim", `{"name":"a.png","image":"???"}`, 400, "Input image is invalid: the image is not in base64"},
		"a text":          {"sim:sim", imageBody("a.png", []byte("hello")), 400, "Input image is invalid: the file is not an image"},
		"SVG":             {"sim:sim", imageBody("a.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)), 400, "Input image is invalid"},
		"a bomb":          {"sim:sim", imageBody("a.png", bomb), 400, "Input image is invalid"},
		"half an image":   {"sim:sim", imageBody("a.png", whole[:len(whole)/2]), 400, "Input image is invalid: the image is damaged"},
		"too large":       {"sim:sim", imageBody("a.png", padded(whole, 6<<20)), 400, "Input image must be under 6 MB"},
		"just not":        {"writer:s", imageBody("a.png", padded(whole, 6<<20-1)), 200, ""},
		"for the gateway": {"sim:sim", imageBody("a.png", padded(whole, 8<<20)), 413, ""},
		"unknown parent":  {"sim:sim", encode(map[string]any{"name": "a", "image": base64.StdEncoding.EncodeToString(whole), "parentId": "asset_x"}), 404, "Asset asset_x not found"},
		"no scope":        {"reader:s", imageBody("a.png", whole), 403, ""},
	} {
		got := b.as(test.key).must("POST", "/v1/assets", test.body)
		said, _ := got.body["reason"].(string)
		if got.status != test.status || !strings.HasPrefix(said, test.reason) {
			t.Errorf("%s: %d %v, want %d %q", name, got.status, got.body, test.status, test.reason)
		}
	}
	if n := len(b.sim.Uploads()); n != 1 {
		t.Errorf("the ledger has %d uploads", n)
	}
	if got := b.as("writer:s").must("DELETE", "/v1/assets", `{"assetIds":["asset_x"]}`); got.status != 403 {
		t.Errorf("a key without assets.delete may delete: %d", got.status)
	}
}

// begin starts an upload in parts.
func (b *bench) begin(name, mime string, size, parts int) map[string]any {
	b.t.Helper()
	got := b.must("POST", "/v1/uploads", encode(map[string]any{
		"fileName": name, "contentType": mime, "kind": "image", "parts": parts, "fileSize": size,
	}))
	if got.status != http.StatusOK {
		b.t.Fatalf("POST /uploads answered %d %v", got.status, got.body)
	}
	return got.body["upload"].(map[string]any)
}

// put sends a part, with or without a header.
func (b *bench) put(upload map[string]any, number int, data []byte, authorization string) (int, error) {
	b.t.Helper()
	link := at(upload["parts"].([]any)[number-1], "url").(string)
	request, err := http.NewRequestWithContext(b.t.Context(), "PUT", link, bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func (b *bench) complete(upload map[string]any) reply {
	b.t.Helper()
	return b.must("POST", "/v1/uploads/"+upload["id"].(string)+"/action", `{"action":"complete"}`)
}

func (b *bench) uploadNow(upload map[string]any) map[string]any {
	b.t.Helper()
	return b.get("/v1/uploads/" + upload["id"].(string)).body["upload"].(map[string]any)
}

// TestUploadInParts goes through all statuses, and the asset is there at the last alone.
func TestUploadInParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: fixed(10 * time.Second)})
		data := padded(pngOf(50, 20), 11<<20)
		upload := b.begin("sketch.png", "image/png", len(data), 3)
		if upload["status"] != "pending" || upload["source"] != "multipart" || upload["entityId"] != nil || len(upload["parts"].([]any)) != 3 {
			t.Fatalf("began as %v", upload)
		}
		for n, piece := range [][]byte{data[:5<<20], data[5<<20 : 10<<20], data[10<<20:]} {
			if status, err := b.put(upload, n+1, piece, ""); status != 200 || err != nil {
				t.Fatalf("part %d: %d, %v", n+1, status, err)
			}
		}
		done := b.complete(upload)
		statuses := []any{at(done.body, "upload", "status")}
		var entity any
		for range 10 {
			time.Sleep(1001 * time.Millisecond)
			now := b.uploadNow(upload)
			if entity = now["entityId"]; now["status"] != statuses[len(statuses)-1] {
				statuses = append(statuses, now["status"])
			}
			if (now["status"] == "imported") != (entity != nil) {
				t.Errorf("%v with the asset %v", now["status"], entity)
			}
			shown, counted := len(b.get("/v1/assets").body["assets"].([]any)), b.sim.Totals().Uploads
			if (entity != nil) != (shown == 1) || counted != shown || (b.sim.Uploads()[0].AssetID != "") != (entity != nil) {
				t.Errorf("%v, and %d assets are listed, %d counted", now["status"], shown, counted)
			}
		}
		if diff := cmp.Diff([]any{"validating", "validated", "imported"}, statuses); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		asset := b.asset(entity.(string))
		if asset["source"] != "uploaded" || at(asset, "properties", "size") != float64(len(data)) || at(asset, "properties", "width") != 50.0 {
			t.Errorf("imported as %v", asset)
		}
		if again := b.complete(upload); again.status != 400 {
			t.Errorf("a second complete answered %d", again.status)
		}
		if status, _ := b.put(upload, 1, data[:5<<20], ""); status != 404 {
			t.Errorf("a part after the end was answered with %d", status)
		}
		if got := b.get("/v1/uploads/upload_x"); got.status != 404 {
			t.Errorf("an unknown upload answered %d", got.status)
		}
	})
}

// TestUploadJobs: an upload in parts stands among the jobs, free, and in no ledger of
// generations.
func TestUploadJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: fixed(10 * time.Second)})
		first := b.generate("a")
		data := pngOf(9, 9)
		upload := b.begin("a.png", "image/png", len(data), 1)
		other := b.generate("b")
		id := upload["jobId"].(string)
		list := func(query string) (ids []any) {
			for _, row := range b.get("/v1/jobs?" + query).body["jobs"].([]any) {
				ids = append(ids, at(row, "jobId"))
			}
			return ids
		}
		want := [][]any{{other, id, first}, {other, first}, {id}, {id}}
		have := [][]any{list(""), list("types=custom"), list("type=upload"), list("status=pending&types=upload")}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("lists (-want +got):\n%s", diff)
		}
		// Filters run after a page is cut.
		page := b.get("/v1/jobs?types=custom&pageSize=2").body
		if rows := page["jobs"].([]any); len(rows) != 1 || page["nextPaginationToken"] == nil {
			t.Errorf("a page of two shows %d jobs and the token %v", len(rows), page["nextPaginationToken"])
		}
		if status, err := b.put(upload, 1, data, ""); status != 200 || err != nil {
			t.Fatal(status, err)
		}
		b.complete(upload)
		running := b.job(id)["status"]
		time.Sleep(10 * time.Second)
		done := b.job(id)
		wanted := []any{"in-progress", "success", "upload", 0.0, b.uploadNow(upload)["entityId"]}
		got := []any{running, done["status"], done["jobType"], at(done, "billing", "cuCost"), at(done, "metadata", "output", "entityId")}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("job (-want +got):\n%s", diff)
		}
		activity := b.get("/v1/usages").body["activity"].([]any)
		if len(b.sim.Ledger()) != 2 || b.sim.Totals().Accepted != 2 || len(activity) != 2 {
			t.Errorf("%d in the ledger, %d charges", len(b.sim.Ledger()), len(activity))
		}
	})
}

// TestPartLinks: they live for an hour, are of one part, and refuse an API key.
func TestPartLinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: instant})
		upload := b.begin("a.png", "image/png", 10, 2)
		if status, _ := b.put(upload, 1, []byte("12345"), "Basic c2ltOnNpbQ=="); status != 400 {
			t.Errorf("a key was answered with %d", status)
		}
		first := upload["parts"].([]any)[0].(map[string]any)
		second := upload["parts"].([]any)[1].(map[string]any)
		link := strings.Replace(first["url"].(string), "/1?", "/2?", 1)
		if status, _ := b.put(map[string]any{"parts": []any{map[string]any{"url": link}}}, 1, []byte("1"), ""); status != 403 {
			t.Errorf("the link of another part was answered with %d", status)
		}
		if status, _ := b.put(upload, 2, []byte("12345678901"), ""); status != 400 {
			t.Errorf("more than the whole file was answered with %d", status)
		}
		time.Sleep(time.Hour)
		if status, _ := b.put(map[string]any{"parts": []any{second}}, 1, []byte("1"), ""); status != 403 {
			t.Errorf("an old link was answered with %d", status)
		}
	})
}

func TestUploadsThatFail(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	data := pngOf(30, 30)
	for name, test := range map[string]struct {
		mime    string
		size    int
		parts   [][]byte
		message string
	}{
		"a part is missing": {"image/png", len(data), [][]byte{nil}, "Part 1 was not uploaded"},
		"a small part":      {"image/png", len(data), [][]byte{data[:10], data[10:]}, "Part 1 is smaller"},
		"cut":               {"image/png", len(data) + 5, [][]byte{data}, "The file has"},
		"of another format": {"image/jpeg", len(data), [][]byte{data}, "The file is not valid: the file is image/png"},
		"a text":            {"image/png", 5, [][]byte{[]byte("hello")}, "The file is not valid"},
		"damaged":           {"image/png", 50, [][]byte{data[:50]}, "The file is not valid"},
	} {
		upload := b.begin("a.png", test.mime, test.size, len(test.parts))
		for i, piece := range test.parts {
			if piece == nil {
				continue
			}
			if status, err := b.put(upload, i+1, piece, ""); status != 200 || err != nil {
				t.Fatalf("%s: part %d: %d, %v", name, i+1, status, err)
			}
		}
		b.complete(upload)
		now := b.uploadNow(upload)
		said, _ := now["errorMessage"].(string)
		if now["status"] != "failed" || !strings.HasPrefix(said, test.message) || now["entityId"] != nil {
			t.Errorf("%s: %v", name, now)
		}
	}
	if b.sim.Totals().Uploads != 0 {
		t.Error("something became an asset")
	}
	for name, body := range map[string]map[string]any{
		"fileName":    {"contentType": "image/png", "kind": "image", "parts": 1, "fileSize": 5},
		"contentType": {"fileName": "a", "kind": "image", "parts": 1, "fileSize": 5},
		"kind":        {"fileName": "a", "contentType": "image/png", "parts": 1, "fileSize": 5},
		"parts":       {"fileName": "a", "contentType": "image/png", "kind": "image", "fileSize": 5},
		"fileSize":    {"fileName": "a", "contentType": "image/png", "kind": "image", "parts": 1},
	} {
		if got := b.must("POST", "/v1/uploads", encode(body)); got.status != 400 || !strings.Contains(got.body["reason"].(string), name) {
			t.Errorf("without %s: %d %v", name, got.status, got.body)
		}
	}
}

// TestUploadsOfOthers: another project, and the other mode, see nothing of it.
func TestUploadsOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant, Keys: []simulator.Key{
		{Key: "sim", Secret: "sim"}, {Key: "other", Secret: "s", Project: "proj_b"}, {Key: "live", Secret: "s", Mode: "live"},
	}})
	id, upload := b.upload("a.png", pngOf(9, 9)), b.begin("b.png", "image/png", 5, 1)
	body := encode(map[string]any{"prompt": "a", "image": id})
	for _, key := range []string{"other:s", "live:s"} {
		other := b.as(key)
		statuses := []int{
			other.get("/v1/assets/" + id).status, other.get("/v1/uploads/" + upload["id"].(string)).status,
			other.must("POST", "/v1/uploads/"+upload["id"].(string)+"/action", `{"action":"complete"}`).status,
			other.must("POST", fluxPath, body).status, other.must("DELETE", "/v1/assets", encode(map[string]any{"assetIds": []string{id}})).status,
		}
		if diff := cmp.Diff([]int{404, 404, 404, 404, 200}, statuses); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if got := b.get("/v1/assets/" + id); got.status != 200 {
		t.Error("another project deleted the asset")
	}
	if got := b.must("POST", "/v1/assets?projectId=proj_b", imageBody("a.png", pngOf(9, 9))); got.status != 403 {
		t.Errorf("for another project: %d", got.status)
	}
}

func TestDeletedAssets(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	uploaded, made := b.upload("a.png", pngOf(9, 9)), b.assets(b.generate("a fox"))[0]
	links := []string{b.asset(uploaded)["url"].(string), b.asset(made)["url"].(string)}
	body := encode(map[string]any{"assetIds": []string{uploaded, made, "asset_x"}})
	if got := b.must("DELETE", "/v1/assets", body); got.status != 200 || len(got.body) != 0 {
		t.Errorf("answered %d %v", got.status, got.body)
	}
	for i, id := range []string{uploaded, made} {
		if got := b.get("/v1/assets/" + id); got.status != 404 {
			t.Errorf("a deleted asset answered %d", got.status)
		}
		if status, _, _, _ := b.download(links[i]); status != 404 {
			t.Errorf("the link of a deleted asset answered %d", status)
		}
	}
	if rows := b.get("/v1/assets").body["assets"].([]any); len(rows) != 0 {
		t.Errorf("the list shows %v", rows)
	}
	if entry := b.sim.Uploads()[0]; !entry.Deleted || b.sim.Totals().Uploads != 1 {
		t.Errorf("the ledger shows %+v", entry)
	}
}

// TestFormatsOfUploads: what is not drawn here is taken, too.
func TestFormatsOfUploads(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	var buffer bytes.Buffer
	if err := gif.Encode(&buffer, image.NewPaletted(image.Rect(0, 0, 7, 5), color.Palette{color.White, color.Black}), nil); err != nil {
		t.Fatal(err)
	}
	asset := b.asset(b.upload("a.gif", buffer.Bytes()))
	if asset["mimeType"] != "image/gif" || at(asset, "properties", "width") != 7.0 {
		t.Errorf("a GIF became %v", asset)
	}
}

func TestUploadFaults(t *testing.T) {
	t.Parallel()
	body := imageBody("a.png", pngOf(9, 9))
	t.Run("lost", func(t *testing.T) {
		t.Parallel()
		b := setup(t, simulator.Options{Latency: instant})
		b.faults(
			simulator.Fault{Kind: simulator.FaultUploadError, Next: 1}, simulator.Fault{Kind: simulator.FaultCutUpload, Next: 1},
			simulator.Fault{Kind: simulator.FaultDropAfterUpload, Next: 1}, simulator.Fault{Kind: simulator.FaultErrorAfterUpload, Next: 1},
		)
		if got := b.must("POST", "/v1/assets", body); got.status != 500 || len(b.sim.Uploads()) != 0 {
			t.Errorf("upload-error: %d", got.status)
		}
		if _, err := b.send("POST", "/v1/assets", body); err == nil || len(b.sim.Uploads()) != 0 {
			t.Errorf("cut-upload: %v", err)
		}
		if _, err := b.send("POST", "/v1/assets", body); err == nil || len(b.sim.Uploads()) != 1 {
			t.Errorf("drop-after-upload: %v", err)
		}
		if got := b.must("POST", "/v1/assets", body); got.status != 500 || len(b.sim.Uploads()) != 2 {
			t.Errorf("error-after-upload: %d", got.status)
		}
		if lost := b.sim.Uploads()[0].LostReply; lost != simulator.FaultDropAfterUpload {
			t.Errorf("the ledger says %q", lost)
		}
		rows := b.get("/v1/assets?types=uploaded").body["assets"].([]any)
		if len(rows) != 2 || at(rows[0], "metadata", "name") != "a.png" {
			t.Errorf("what was taken is listed as %v", rows)
		}
	})
	t.Run("in parts", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := setup(t, simulator.Options{Latency: instant})
			data := pngOf(9, 9)
			b.faults(
				simulator.Fault{Kind: simulator.FaultExpirePart, Next: 1}, simulator.Fault{Kind: simulator.FaultCutUpload, Next: 1},
				simulator.Fault{Kind: simulator.FaultDropAfterUpload, Next: 1}, simulator.Fault{Kind: simulator.FaultSlowImport, Next: 1},
			)
			if status, err := b.put(b.begin("a.png", "image/png", len(data), 1), 1, data, ""); status != 403 || err != nil {
				t.Errorf("expire-part: %d, %v", status, err)
			}
			upload := b.begin("a.png", "image/png", len(data), 1)
			if _, err := b.put(upload, 1, data, ""); err == nil {
				t.Error("cut-upload: the part was taken")
			}
			if status, err := b.put(upload, 1, data, ""); status != 200 || err != nil {
				t.Errorf("the same part again: %d, %v", status, err)
			}
			if _, err := b.send("POST", "/v1/uploads/"+upload["id"].(string)+"/action", `{"action":"complete"}`); err == nil {
				t.Error("drop-after-upload: the answer came")
			}
			time.Sleep(599 * time.Second)
			if status := b.uploadNow(upload)["status"]; status != "validating" {
				t.Errorf("slow-import: %v", status)
			}
			time.Sleep(time.Second)
			if status := b.uploadNow(upload)["status"]; status != "imported" {
				t.Errorf("in the end: %v", status)
			}
			b.faults(simulator.Fault{Kind: simulator.FaultFailImport, Next: 1})
			fails := b.begin("a.png", "image/png", len(data), 1)
			if status, err := b.put(fails, 1, data, ""); status != 200 || err != nil {
				t.Fatal(status, err)
			}
			b.complete(fails)
			if now := b.uploadNow(fails); now["status"] != "failed" || now["errorMessage"] == nil {
				t.Errorf("fail-import: %v", now)
			}
		})
	})
}

// TestUploadsCount: each call has its place in the request rate, and the parts have none.
func TestUploadsCount(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant, RequestsPerMinute: 4})
	upload := b.begin("a.png", "image/png", 5, 1)
	for range 5 {
		if status, err := b.put(upload, 1, []byte("hello"), ""); status != 200 || err != nil {
			t.Fatal(status, err)
		}
	}
	statuses := []int{b.complete(upload).status, b.get("/v1/uploads/" + upload["id"].(string)).status}
	for range 2 {
		statuses = append(statuses, b.must("POST", "/v1/assets", imageBody("a.png", pngOf(3, 3))).status)
	}
	if diff := cmp.Diff([]int{200, 200, 200, 429}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}
