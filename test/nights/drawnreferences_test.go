package nights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/simulator"
)

// References: jobs take pictures, of which a project gets each content once, whatever becomes
// of uploads and of what was uploaded. Some batches take the same ones, and some rows.
var _ = register(capability{name: "references", counts: append([]string{
	picturesTaken, pictureFound, pictureAgain, pictureInParts, assetsDeleted, uploadsErr, lostUploadsHidden, partsErr,
}, uploadKinds()...), draw: drawReferences})

const (
	picturesTaken     = "references: taken"
	pictureFound      = "references: found after the answer was lost"
	pictureAgain      = "references: uploaded again"
	pictureInParts    = "references: uploaded in parts"
	assetsDeleted     = "assets are deleted at the provider"
	uploadsErr        = "uploads err"
	lostUploadsHidden = "uploads whose answers are lost are not shown"
	partsErr          = "uploads in parts err"
)

// errsInParts befalls uploads in parts alone, of which there are few.
var errsInParts = constellation{partsErr, [2]float64{20, 90}, []drawnFault{
	{kind: simulator.FaultExpirePart, most: 0.4},
	{kind: simulator.FaultSlowImport, most: 0.4, seconds: [2]float64{10, 120}},
	{kind: simulator.FaultFailImport, most: 0.4},
}}

// uploadFaults are what befalls uploads, and the pictures that stand for them.
var uploadFaults = []drawnFault{
	{kind: simulator.FaultUploadError, most: 0.6},
	{kind: simulator.FaultCutUpload, most: 0.6},
	{kind: simulator.FaultDropAfterUpload, most: 0.8},
	{kind: simulator.FaultErrorAfterUpload, most: 0.8},
	{kind: simulator.FaultExpirePart, most: 0.6},
	{kind: simulator.FaultSlowImport, most: 1, seconds: [2]float64{10, 240}},
	{kind: simulator.FaultFailImport, most: 0.5},
	{kind: simulator.FaultDeleteInput, most: 0.2},
	{kind: simulator.FaultMissingAsset, most: 0.3},
	{kind: simulator.FaultEmptyAssets, most: 1},
	{kind: simulator.FaultRefuseAssets, most: 0.5},
	{kind: simulator.FaultAssetError, most: 0.5},
}

// uploadKinds names those of uploadFaults that no other night draws.
func uploadKinds() []string {
	var kinds []string
	for _, fault := range uploadFaults {
		if !slices.ContainsFunc(drawnFaults, func(d drawnFault) bool { return d.kind == fault.kind }) {
			kinds = append(kinds, "simulator: "+string(fault.kind))
		}
	}
	return kinds
}

// givenWithHero and given are the ways in which rows take pictures. The twin has the content of
// the hero.
var (
	givenWithHero = []string{
		`{referenceImages: [hero, "refs/{kind}.png"]}`,
		`{sketch: twin, referenceImages: ["refs/{kind}.png", hero]}`,
	}
	given = append([]string{
		`{referenceImages: ["refs/{kind}.png"]}`,
		`{sketch: "refs/{kind}.png"}`,
	}, givenWithHero...)
)

// mostWithLarge is how many rows a batch has at the most that takes a picture which is
// uploaded in parts: every reader reads the whole of it.
const mostWithLarge = 12

func drawReferences(r *rand.Rand, s *script) *part {
	if r.IntN(4) > 0 {
		return nil
	}
	contents := drawContents(r)
	hero, ways := contents[0], given
	inParts := r.IntN(3) == 0
	if inParts {
		hero, ways = largePicture(), givenWithHero
	}
	var with []string
	for i := range s.batches {
		if i > 0 && r.IntN(3) == 0 {
			continue
		}
		b := &s.batches[i]
		b.takePictures(ways[r.IntN(len(ways))], hero, contents)
		if inParts {
			b.rows = min(b.rows, mostWithLarge)
		}
		with = append(with, b.name)
	}
	s.events = append(s.events, drawUploadTroubles(r, s)...)
	if inParts {
		s.events = append(s.events, event{at: s.batches[0].at, trouble: trouble{name: partsErr, strike: func(n *drawnNight) { n.meet(errsInParts) }}})
	}
	return &part{
		tells: fmt.Sprintf("%s take %d pictures, one of them in parts: %t", strings.Join(with, ", "), len(contents), inParts),
		judge: func(n *drawnNight, ledger []simulator.Entry) { n.judgeReferences(ledger) },
	}
}

// drawContents draws the pictures of a night.
func drawContents(r *rand.Rand) [][]byte {
	contents := make([][]byte, 1+r.IntN(4))
	for i := range contents {
		contents[i] = grayPicture(16+r.IntN(32), r.Uint64())
	}
	return contents
}

// largePicture is too large for one call.
var largePicture = sync.OnceValue(func() []byte { return grayPicture(2900, 1) })

// grayPicture is a whole PNG of some pixels wide and high.
func grayPicture(side int, seed uint64) []byte {
	img, random := image.NewGray(image.Rect(0, 0, side, side)), rand.New(rand.NewPCG(seed, 1))
	for i := range img.Pix {
		img.Pix[i] = byte(random.Uint32())
	}
	var content bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&content, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return content.Bytes()
}

// takePictures lets the rows of a batch take pictures: each one, of which several rows have
// the same.
func (b *drawnBatch) takePictures(images string, hero []byte, contents [][]byte) {
	if b.budget > 0 {
		b.budget = b.budget * collageCU / b.shape.price
	}
	b.shape = shape{"pictures", collageCU, func(rows int) string {
		return fmt.Sprintf("model: %s\nprompt: \"potion of kind {kind}\"\nreferences: {hero: refs/hero.png, twin: refs/twin.png}\ndefaults: {images: %s}\n"+
			"items: [{id: potion}]\naxes: {product: {kind: [%s]}}\noutput: \"{id}/{kind}-{n}.{ext}\"\n", collage, images, upTo(rows))
	}}
	b.files = map[string][]byte{"refs/hero.png": hero, "refs/twin.png": hero}
	for row := range mostRows {
		b.files[fmt.Sprintf("refs/%d.png", row+1)] = contents[row%len(contents)]
	}
}

// mostRows is how many rows a batch surely does not pass that gets more in the night.
const mostRows = 200

// drawUploadTroubles draws what befalls uploads: most come soon after a batch was submitted.
func drawUploadTroubles(r *rand.Rand, s *script) []event {
	troubles := []trouble{
		{name: uploadsErr, strike: func(n *drawnNight) {
			for range 1 + n.random.IntN(3) {
				n.err(uploadFaults[n.random.IntN(len(uploadFaults))])
			}
		}},
		{name: lostUploadsHidden, strike: func(n *drawnNight) {
			n.meet(constellation{lostUploadsHidden, [2]float64{20, 120}, []drawnFault{
				{kind: simulator.FaultDropAfterUpload, most: 0.8}, {kind: simulator.FaultEmptyAssets, most: 1},
			}})
		}},
		{name: assetsDeleted, strike: func(n *drawnNight) { n.deleteUploads(1 + n.random.IntN(3)) }},
	}
	var events []event
	for range 1 + r.IntN(5) {
		at := within(r, s.length)
		if r.IntN(3) > 0 {
			at = s.batches[r.IntN(len(s.batches))].at + within(r, 15*time.Second)
		}
		events = append(events, event{at: at, trouble: troubles[[]int{0, 0, 0, 1, 2, 2}[r.IntN(6)]]})
	}
	return events
}

// deleteUploads deletes some of what was uploaded, as a person does who tidies up.
func (n *drawnNight) deleteUploads(most int) {
	n.t.Helper()
	uploads := slices.DeleteFunc(n.sim.Uploads(), func(u simulator.UploadEntry) bool { return u.AssetID == "" || u.Deleted || n.revoked[u.Key] })
	n.random.Shuffle(len(uploads), func(i, k int) { uploads[i], uploads[k] = uploads[k], uploads[i] })
	for _, u := range uploads[:min(most, len(uploads))] {
		body, err := json.Marshal(map[string][]string{"assetIds": {u.AssetID}})
		if err != nil {
			n.t.Error(err)
			return
		}
		request, err := http.NewRequestWithContext(n.t.Context(), http.MethodDelete, "http://simulator/v1/assets", bytes.NewReader(body))
		if err != nil {
			n.t.Error(err)
			return
		}
		request.SetBasicAuth(u.Key, "secret-"+u.Key)
		response, err := simulator.Transport(n.sim).RoundTrip(request)
		if err != nil {
			n.t.Error(err)
			return
		}
		_ = response.Body.Close() // the status says it
		n.diary.note("person", "deletes asset %s of %s: %s", u.AssetID, u.Project, response.Status)
	}
}

// judgeReferences: whatever a run took, it took what its row names. That a project gets each
// content once is judged of all nights.
func (n *drawnNight) judgeReferences(ledger []simulator.Entry) {
	n.t.Helper()
	asked := make(map[string]bool)
	for _, b := range n.batches {
		for _, j := range b.asked {
			asked[content(j.Model, j.Inputs)] = true
		}
	}
	used := make(map[string]bool)
	for _, e := range ledger {
		if len(n.taken(e, isGiven)) > 0 {
			strikes.add(picturesTaken)
		}
		if len(n.pictureInputs()[e.Model]) > 0 && !asked[content(e.Model, e.Input)] {
			n.fail("the right picture is taken", "", "%s took %s, which no row names", e.JobID, e.Input.Canonical())
		}
	}
	for _, e := range n.sim.Ledger() {
		e.Input.WithPictures(n.pictureInputs()[e.Model], func(asset string) string {
			used[asset] = true
			return asset
		})
	}
	n.countUploads(used)
}

// countUploads counts what has become of uploads, for those who want to see all of it.
func (n *drawnNight) countUploads(used map[string]bool) {
	seen := make(map[string]bool)
	for _, u := range n.sim.Uploads() {
		if u.AssetID == "" || u.Name == placeholder {
			continue
		}
		if u.LostReply != "" && used[u.AssetID] {
			strikes.add(pictureFound)
		}
		if u.Route == simulator.UploadInParts {
			strikes.add(pictureInParts)
		}
		if what := u.Project + u.SHA256; seen[what] {
			strikes.add(pictureAgain)
		} else {
			seen[what] = true
		}
	}
}
