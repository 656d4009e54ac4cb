package simulator

import (
	"net/http"
	"time"

	"nightshift/internal/simulator/picture"
)

// upload is a file that was sent, at once or in parts.
type upload struct {
	number   int    // place among all, from 0
	id       string // "" where it was sent at once
	job      string // its id as a job; "" where it was sent at once
	route    UploadRoute
	key      *Key
	name     string
	mime     string // as announced
	size     int    // announced, in bytes
	options  assetOptions
	began    time.Time
	parts    []part
	content  *content // of what came; nil before all of it has
	complete bool     // no part is taken any more
	stages   importStages
	failure  string // why it is no asset
	asset    *asset // nil unless it is one
	lost     FaultKind
}

// assetOptions are what can be said of an asset when it is uploaded.
type assetOptions struct {
	CollectionIDs []string `json:"collectionIds,omitempty"`
	Hide          bool     `json:"hide,omitempty"`
	ParentID      string   `json:"parentId,omitempty"`
}

// UploadRoute is how a file was sent.
type UploadRoute string

// The routes.
const (
	UploadAtOnce  UploadRoute = "assets"   // POST /assets
	UploadInParts UploadRoute = "uploads"  // POST /uploads
	UploadAsInput UploadRoute = "generate" // a data URL in the inputs of a paid call
)

// maxImageBytes is below what POST /assets takes. Scenario API: images under 6 MB.
const maxImageBytes = 6 << 20

// uploadAsset answers POST /assets with the asset. Scenario API: image and name are
// required; other texts of refusals are the simulator's own.
func (s *Simulator) uploadAsset(r *http.Request, key *Key) *reply {
	var body struct {
		Image string `json:"image"`
		Name  string `json:"name"`
		assetOptions
	}
	if s.fault(FaultCutUpload) != nil {
		cutBody(r)
	}
	if refused := decodeBody(r, &body); refused != nil {
		return refused
	}
	switch {
	case body.Name == "":
		return reason(http.StatusBadRequest, "Input name is required")
	case body.Image == "":
		return reason(http.StatusBadRequest, "Input image is required")
	}
	data, err := decodeImageText(body.Image)
	if err != nil {
		return reason(http.StatusBadRequest, "Input image is invalid: %s", err)
	}
	if len(data) >= maxImageBytes {
		return reason(http.StatusBadRequest, "Input image must be under 6 MB; send larger files in parts to /uploads")
	}
	read, err := readImage(data)
	if err != nil {
		return reason(http.StatusBadRequest, "Input image is invalid: %s", err)
	}
	if refused := s.checkParent(body.ParentID, key); refused != nil {
		return refused
	}
	sent := &upload{
		route: UploadAtOnce, key: key, name: body.Name, mime: read.format.MIME(), size: len(data),
		options: body.assetOptions, began: time.Now(), content: read, complete: true, lost: s.drawLostUpload(),
	}
	s.book.addUpload(sent)
	s.log.Debug("image uploaded", "asset", sent.asset.id, "name", sent.name, "bytes", sent.size, "key", key.ID)
	if lost := s.loseReply(sent.lost); lost != nil {
		return lost
	}
	return ok(map[string]any{"asset": s.assetRecord(sent.asset, r)})
}

// checkParent refuses the id of a parent that there is not.
func (s *Simulator) checkParent(id string, key *Key) *reply {
	if id != "" && s.book.findAsset(id, key, time.Now()) == nil {
		return noSuchAsset(id)
	}
	return nil
}

// drawLostUpload draws whether the answer to an upload that was taken is lost, and how.
func (s *Simulator) drawLostUpload() FaultKind {
	for _, kind := range []FaultKind{FaultDropAfterUpload, FaultErrorAfterUpload} {
		if s.fault(kind) != nil {
			return kind
		}
	}
	return ""
}

// loseReply answers in place of the API where the answer is to be lost.
func (s *Simulator) loseReply(lost FaultKind) *reply {
	switch lost {
	case FaultDropAfterUpload:
		dropConnection()
	case FaultErrorAfterUpload:
		return serverError()
	}
	return nil
}

// addUpload records an upload: with its asset, or with what only one in parts has.
func (b *book) addUpload(u *upload) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u.number = len(b.uploads)
	b.uploads = append(b.uploads, u)
	if u.route == UploadInParts {
		u.id, u.job = b.drawID("upload_"), b.drawID("job_")
		b.list(&run{id: u.job, key: u.key, upload: u, accepted: u.began})
		return
	}
	b.importAsset(u, u.began)
}

// importAsset makes the asset of an upload, which exists from a time on. The caller holds
// mu.
func (b *book) importAsset(u *upload, from time.Time) {
	u.asset = newUploadedAsset(u, from)
	u.asset.id = b.drawID("asset_")
	b.assets[u.asset.id] = u.asset
}

// newUploadedAsset is the asset of an upload, still without an id.
func newUploadedAsset(u *upload, from time.Time) *asset {
	return &asset{
		owner: u.key, made: from, upload: u, parent: u.options.ParentID, kind: kindUploaded,
		spec:   picture.Spec{Width: u.content.width, Height: u.content.height},
		format: u.content.format, claimed: u.content.format, size: int64(len(u.content.data)), data: u.content.data,
	}
}
