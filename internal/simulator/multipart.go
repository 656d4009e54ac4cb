package simulator

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The bounds of an upload in parts.
const (
	maxParts     = 10_000    // Scenario API
	minPartBytes = 5 << 20   // Scenario API: of each part but the last
	maxFileBytes = 256 << 20 // the simulator's own: it keeps files in memory
	partLifetime = time.Hour // the simulator's own
)

// The statuses of an upload. Scenario API: in this order; failed ends it at any of them.
const (
	uploadPending    = "pending"
	uploadValidating = "validating"
	uploadValidated  = "validated"
	uploadImported   = "imported"
	uploadFailed     = "failed"
)

// uploadKinds is what the reference lists; the simulator takes images alone.
var uploadKinds = []string{"3d", "asset", "audio", "avatar", "image", "model", "text", "video"}

// importStages are when an upload that is complete reaches its statuses.
type importStages struct{ validated, imported time.Time }

// uploadRecord is an upload as the API shows it.
type uploadRecord struct {
	ID           string        `json:"id"`
	AuthorID     string        `json:"authorId"`
	OwnerID      string        `json:"ownerId"`
	CreatedAt    string        `json:"createdAt"`
	UpdatedAt    string        `json:"updatedAt"`
	FileName     string        `json:"fileName"`
	ContentType  string        `json:"contentType"`
	FileSize     int           `json:"fileSize"`
	Kind         string        `json:"kind"`
	Source       string        `json:"source"`
	Status       string        `json:"status"`
	JobID        string        `json:"jobId"`
	EntityID     *string       `json:"entityId"` // null until there is an asset
	ErrorMessage string        `json:"errorMessage,omitempty"`
	AssetOptions *assetOptions `json:"assetOptions,omitempty"`
	PartsCount   int           `json:"partsCount"`
	Parts        []partRecord  `json:"parts,omitempty"`
}

type partRecord struct {
	Number  int    `json:"number"`
	URL     string `json:"url"`
	Expires string `json:"expires"`
}

// beginUpload answers POST /uploads with the links to which the parts are sent. Scenario
// API: the five fields are required. Texts of refusals are the simulator's own.
func (s *Simulator) beginUpload(r *http.Request, key *Key) *reply {
	var body struct {
		FileName     string       `json:"fileName"`
		ContentType  string       `json:"contentType"`
		Kind         string       `json:"kind"`
		Parts        int          `json:"parts"`
		FileSize     int          `json:"fileSize"`
		AssetOptions assetOptions `json:"assetOptions"`
	}
	if refused := decodeBody(r, &body); refused != nil {
		return refused
	}
	var wrong *reply
	switch {
	case body.FileName == "":
		wrong = reason(http.StatusBadRequest, "Input fileName is required")
	case body.ContentType == "":
		wrong = reason(http.StatusBadRequest, "Input contentType is required")
	case !slices.Contains(uploadKinds, body.Kind):
		wrong = reason(http.StatusBadRequest, "Input kind must be one of %s", strings.Join(uploadKinds, ", "))
	case body.Kind != kindImage:
		wrong = reason(http.StatusBadRequest, "This simulator takes uploads of the kind image alone")
	case body.Parts < 1 || body.Parts > maxParts:
		wrong = reason(http.StatusBadRequest, "Input parts must be between 1 and %d", maxParts)
	case body.FileSize < 1 || body.FileSize > maxFileBytes:
		wrong = reason(http.StatusBadRequest, "Input fileSize must be between 1 and %d", maxFileBytes)
	default:
		wrong = s.checkParent(body.AssetOptions.ParentID, key)
	}
	if wrong != nil {
		return wrong
	}
	began := &upload{
		route: UploadInParts, key: key, name: body.FileName, mime: body.ContentType, size: body.FileSize,
		options: body.AssetOptions, began: time.Now(), parts: make([]part, body.Parts),
	}
	s.book.addUpload(began)
	expires := began.began.Add(partLifetime)
	if s.fault(FaultExpirePart) != nil {
		expires = began.began.Add(-time.Minute)
	}
	record := s.uploadRecord(began, began.began)
	for i := range began.parts {
		record.Parts = append(record.Parts, partRecord{
			Number: i + 1, Expires: s.stamp(expires),
			URL: s.baseURL(r) + s.links.sign(fmt.Sprintf("%s%s/%d", partPath, began.id, i+1), expires),
		})
	}
	return ok(map[string]any{"upload": record})
}

// uploadRecord shows an upload as it is now.
func (s *Simulator) uploadRecord(u *upload, now time.Time) uploadRecord {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	record := uploadRecord{
		ID: u.id, AuthorID: u.key.ID, OwnerID: u.key.Project, CreatedAt: s.stamp(u.began), UpdatedAt: s.stamp(u.changed(now)),
		FileName: u.name, ContentType: u.mime, FileSize: u.size, Kind: kindImage, Source: "multipart",
		Status: u.status(now), JobID: u.job, PartsCount: len(u.parts),
	}
	if u.options.ParentID != "" || u.options.Hide || len(u.options.CollectionIDs) > 0 {
		record.AssetOptions = &u.options
	}
	switch record.Status {
	case uploadImported:
		record.EntityID = &u.asset.id
	case uploadFailed:
		record.ErrorMessage = u.failure
	}
	return record
}

// status is that of an upload now. The caller holds the book's mu.
func (u *upload) status(now time.Time) string {
	switch {
	case !u.complete:
		return uploadPending
	case u.content == nil || now.Before(u.stages.validated):
		return uploadValidating
	case u.failure != "":
		return uploadFailed
	case now.Before(u.stages.imported):
		return uploadValidated
	default:
		return uploadImported
	}
}

// changed is when the status became what it is now. The caller holds the book's mu.
func (u *upload) changed(now time.Time) time.Time {
	switch u.status(now) {
	case uploadFailed, uploadValidated:
		return u.stages.validated
	case uploadImported:
		return u.stages.imported
	default:
		return u.began
	}
}

// getUpload answers GET /uploads/{id}.
func (s *Simulator) getUpload(r *http.Request, key *Key) *reply {
	found := s.book.findUpload(r.PathValue("id"), key)
	if found == nil {
		return noSuchUpload(r.PathValue("id"))
	}
	return ok(map[string]any{"upload": s.uploadRecord(found, time.Now())})
}

// noSuchUpload is in the words of unknown models; the real ones are not known.
func noSuchUpload(id string) *reply { return reason(http.StatusNotFound, "Upload %s not found", id) }

func (b *book) findUpload(id string, key *Key) *upload {
	found := b.upload(id)
	if found == nil || found.key.tenant() != key.tenant() {
		return nil
	}
	return found
}

func (b *book) upload(id string) *upload {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.uploads, func(u *upload) bool { return id != "" && u.id == id })
	if at < 0 {
		return nil
	}
	return b.uploads[at]
}

// actOnUpload answers POST /uploads/{id}/action, which says that all parts are there.
// Scenario API: complete is the only action; what a second one answers is not known.
func (s *Simulator) actOnUpload(r *http.Request, key *Key) *reply {
	var body struct {
		Action string `json:"action"`
	}
	if refused := decodeBody(r, &body); refused != nil {
		return refused
	}
	found := s.book.findUpload(r.PathValue("id"), key)
	if found == nil {
		return noSuchUpload(r.PathValue("id"))
	}
	if body.Action != "complete" {
		return reason(http.StatusBadRequest, "Input action must be one of complete")
	}
	now := time.Now()
	if !s.book.closeUpload(found, s.drawLostUpload) {
		return reason(http.StatusBadRequest, "Upload %s is complete already", found.id)
	}
	s.importUpload(found, now)
	if lost := s.loseReply(found.lost); lost != nil {
		return lost
	}
	return ok(map[string]any{"upload": s.uploadRecord(found, now)})
}

// closeUpload takes no parts any more, and reports false where that was so before.
func (b *book) closeUpload(u *upload, drawLost func() FaultKind) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.complete {
		return false
	}
	u.complete, u.lost = true, drawLost()
	return true
}

// importUpload settles what becomes of an upload whose parts are all there, and when.
// Scenario API: an import takes 2 to 30 seconds; here as long as an inference.
func (s *Simulator) importUpload(u *upload, now time.Time) {
	read, failure := joinParts(u)
	if s.fault(FaultFailImport) != nil {
		failure = "The file could not be imported"
	}
	random := rand.New(rand.NewPCG(s.options.Seed, ^uint64(u.number)))
	takes := s.options.Latency.draw(random)
	stages := importStages{now.Add(takes * 7 / 10), now.Add(takes)}
	if fault := s.fault(FaultSlowImport); fault != nil {
		stages = importStages{stages.validated.Add(fault.duration()), stages.imported.Add(fault.duration())}
	}
	s.book.settleUpload(u, read, failure, stages)
}

// settleUpload makes the asset of an upload that is one.
func (b *book) settleUpload(u *upload, read *content, failure string, stages importStages) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(u.parts)
	u.content, u.failure, u.stages = read, failure, stages
	if failure == "" {
		b.importAsset(u, stages.imported)
		return
	}
	read.data = nil
}
