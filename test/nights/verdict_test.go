package nights

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// judge holds a night that is over against what is promised. The ledger is the judge.
func (n *drawnNight) judge() {
	n.t.Helper()
	ledger := slices.DeleteFunc(n.ledger(), n.isTheirs)
	n.judgePaidOnce(ledger)
	n.judgeNothingLost(ledger)
	n.judgeEnds()
	n.judgeObjects()
	n.judgeCaps(ledger)
	n.judgeGaps()
	n.judgeRests()
	n.judgePublished()
	n.judgeRedis()
	n.judgeUploads()
	for _, p := range n.script.parts {
		if p.judge != nil {
			p.judge(n, ledger)
		}
	}
	nights := make([]*night, len(n.batches))
	for i, b := range n.batches {
		nights[i] = b.night
	}
	if n.diary.has("fault "+string(simulator.FaultLowBill)) && n.diary.has("fault "+string(simulator.FaultPriceDrift)) {
		return // of a bill that is above its quote and shows less than half of it, nobody can tell what it is
	}
	n.booksAgree(nights...)
}

// judgePaidOnce: no more inferences were paid than jobs ask for the same.
func (n *drawnNight) judgePaidOnce(ledger []simulator.Entry) {
	n.t.Helper()
	asked, anyone := make(map[string]int), make(map[string]job.ID)
	for _, b := range n.batches {
		for id, j := range b.asked {
			asked[content(j.Model, j.Inputs)]++
			anyone[content(j.Model, j.Inputs)] = id
		}
	}
	paid := make(map[string][]string)
	for _, e := range ledger {
		if e.Charge > e.Refund && e.Status != "failure" {
			paid[content(e.Model, e.Input)] = append(paid[content(e.Model, e.Input)], e.JobID)
		}
	}
	for what, runs := range paid {
		if len(runs) > asked[what] {
			n.fail("paid once", anyone[what], "%d jobs ask for %s, and %d were paid: %v", asked[what], what, len(runs), runs)
		}
	}
}

// judgeNothingLost: what was paid and succeeded is the result of one job. Where the provider
// keeps to a lie about it, or the batch was cancelled before it told the truth, the failure
// of a job must name it.
func (n *drawnNight) judgeNothingLost(ledger []simulator.Entry) {
	n.t.Helper()
	owners, told := make(map[string][]job.Result), make(map[string]bool)
	for _, b := range n.batches {
		for _, r := range b.failed() {
			told[r.Inference] = told[r.Inference] || b.cancelled || n.diary.has("fault "+string(simulator.FaultForeignAssets))
		}
		for _, r := range b.succeeded() {
			owners[r.Inference] = append(owners[r.Inference], r)
		}
	}
	for _, e := range ledger {
		switch owned := owners[e.JobID]; {
		case e.Status != "success" && len(owned) > 0:
			n.fail("results are true", owned[0].Job, "inference %s ended as %s, and %s succeeded by it", e.JobID, e.Status, owned[0].Row)
		case e.Status != "success" || len(owned) == 0 && told[e.JobID]:
		case len(owned) == 0:
			n.fail("nothing paid is lost", n.asker(e), "inference %s succeeded and is nobody's result", e.JobID)
		case len(owned) > 1:
			n.fail("results are true", owned[0].Job, "inference %s is the result of %s and of %s", e.JobID, owned[0].Row, owned[1].Row)
		case content(e.Model, e.Input) != content(owned[0].Model, owned[0].Inputs):
			n.fail("what the manifest says is made", owned[0].Job, "%s asks for %s, and its inference made %s", owned[0].Row, owned[0].Inputs.Canonical(), e.Input.Canonical())
		case slices.ContainsFunc(owned[0].Images, func(i job.Image) bool { return !slices.Contains(e.Assets, i.Asset) }):
			n.fail("every image is its own job's", owned[0].Job, "%s shows assets that its inference %s has not made: %v", owned[0].Row, e.JobID, owned[0].Images)
		case len(owned[0].Images) != len(e.Assets):
			n.fail("nothing paid is lost", owned[0].Job, "inference %s made %d images, and %d of them are stored", e.JobID, len(e.Assets), len(owned[0].Images))
		}
	}
}

// asker is a job that asks for what an inference made.
func (n *drawnNight) asker(e simulator.Entry) job.ID {
	for _, b := range n.batches {
		for id, j := range b.asked {
			if content(j.Model, j.Inputs) == content(e.Model, e.Input) {
				return id
			}
		}
	}
	return ""
}

// judgeEnds: each job has one end, and a failed one a reason.
func (n *drawnNight) judgeEnds() {
	n.t.Helper()
	for _, b := range n.batches {
		if !b.submitted {
			continue
		}
		ended := make(map[job.ID]job.Result)
		for _, r := range b.succeeded() {
			ended[r.Job] = r
		}
		for _, r := range b.failed() {
			if r.Reason == "" || r.Kind == "" {
				n.fail("every failure says why", r.Job, "%s failed as %q: %q", r.Row, r.Kind, r.Reason)
			}
			if _, both := ended[r.Job]; !both {
				ended[r.Job] = r
			}
		}
		for id, j := range b.asked {
			if _, over := ended[id]; !over && !b.cancelled && !b.short && b.drawn.budget == 0 && !b.ofPick(j) {
				n.fail("every job has an end", id, "%s of %s has none", j.Row, b.drawn.name)
			}
		}
	}
}

// judgeObjects: every stored image is the one that the simulator drew, and there are no
// others.
func (n *drawnNight) judgeObjects() {
	n.t.Helper()
	known := make(map[string]bool)
	for _, b := range n.batches {
		for _, r := range b.succeeded() {
			for i, image := range r.Images {
				path := filepath.Join(n.folder, filepath.FromSlash(r.Key(b.manifest.Batch(), i)))
				known[path] = true
				n.judgeImage(r, image, path)
			}
		}
	}
	err := filepath.WalkDir(n.folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(path, "_nightshift") {
			return err
		}
		if strings.HasSuffix(path, ".part") {
			n.fail("whole or absent", "", "unfinished file left: %s", path)
		}
		if slices.Contains([]string{".png", ".jpg", ".jpeg", ".webp"}, filepath.Ext(path)) && !known[path] {
			n.fail("whole or absent", "", "an image that no result names: %s", path)
		}
		return nil
	})
	if err != nil {
		n.t.Error(err)
	}
}

func (n *drawnNight) judgeImage(r job.Result, image job.Image, path string) {
	n.t.Helper()
	stored, err := os.ReadFile(path)
	if err != nil {
		n.fail("nothing paid is lost", r.Job, "%s: %v", r.Row, err)
		return
	}
	// Of downloads that differ, of which two workers were in the middle when one of them was
	// taken for dead, the later may replace what was recorded.
	twofold := n.diary.has("fault "+string(simulator.FaultUndecodableImage)) &&
		slices.ContainsFunc(n.script.events, func(e event) bool { return !e.trouble.mild && e.trouble.name != theProviderErrs })
	if sum := fmt.Sprintf("%08x", crc32.ChecksumIEEE(stored)); sum != image.CRC32 && !twofold {
		n.fail("whole or absent", r.Job, "%s has the checksum %s, its result says %s", path, sum, image.CRC32)
	}
	drawn, err := n.drawnImage(r, image.Asset)
	switch {
	case errors.Is(err, errNoAsset) && n.diary.has("fault "+string(simulator.FaultDeleteInput)): // as what a step takes
	case err != nil:
		n.t.Errorf("asset %s: %v", image.Asset, err)
	case string(drawn) != string(stored) && image.Warning == "" && !twofold:
		n.fail("whole or absent", r.Job, "%s is not what the simulator drew for asset %s, and nothing says so", path, image.Asset)
	}
}

// errNoAsset is what the simulator says of an asset that was deleted.
var errNoAsset = errors.New("there is no such asset")

// drawnImage fetches an asset from the simulator.
func (n *drawnNight) drawnImage(r job.Result, asset string) ([]byte, error) {
	var answer struct{ Asset struct{ URL string } }
	body, err := n.get("http://simulator/v1/assets/"+asset+"?originalAssets=true", r.APIKey)
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	if err != nil {
		return nil, err
	}
	return n.get(answer.Asset.URL, "")
}

// get asks the simulator as a key; "" without any.
func (n *drawnNight) get(url, key string) ([]byte, error) {
	client := &http.Client{Transport: simulator.Transport(n.sim)}
	for {
		request, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			return nil, err
		}
		if key != "" {
			request.SetBasicAuth(key, "secret-"+key)
		}
		response, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close() // it was read
		if response.StatusCode == http.StatusTooManyRequests {
			time.Sleep(5 * time.Second) // virtual
			continue
		}
		if err == nil && response.StatusCode == http.StatusNotFound {
			err = errNoAsset
		}
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", response.Status, body)
		}
		return body, err
	}
}
