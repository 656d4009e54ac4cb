package simulator

import (
	"time"

	"nightshift/internal/job"
)

// UploadEntry is one upload in the ledger, whether or not its answer arrived.
type UploadEntry struct {
	AssetID  string      `json:"assetId,omitempty"`  // none until it is imported
	UploadID string      `json:"uploadId,omitempty"` // of one in parts
	Route    UploadRoute `json:"route"`
	Key      string      `json:"key"`
	Author   string      `json:"author"`
	Team     string      `json:"team"`
	Project  string      `json:"project"`
	Mode     job.Mode    `json:"mode"`
	Name     string      `json:"name"`
	MIMEType string      `json:"mimeType"`
	Size     int         `json:"size"`
	// SHA256 is that of what came, in hexadecimal; empty until all of it has.
	SHA256    string    `json:"sha256,omitempty"`
	Width     int       `json:"width,omitempty"`
	Height    int       `json:"height,omitempty"`
	Status    string    `json:"status"`
	Error     string    `json:"error,omitempty"`
	Accepted  time.Time `json:"accepted"`
	Deleted   bool      `json:"deleted,omitempty"`
	LostReply FaultKind `json:"lostReply,omitempty"`
}

// Uploads returns every upload in the order in which they began.
func (s *Simulator) Uploads() []UploadEntry {
	b, now := s.book, time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	entries := make([]UploadEntry, len(b.uploads))
	for i, upload := range b.uploads {
		entries[i] = upload.entry(now)
	}
	return entries
}

// entry shows an upload as it is now. The caller holds the book's mu.
func (u *upload) entry(now time.Time) UploadEntry {
	entry := UploadEntry{
		UploadID: u.id, Route: u.route, Key: u.key.Key, Author: u.key.ID, Team: u.key.Team, Project: u.key.Project, Mode: u.key.Mode,
		Name: u.name, MIMEType: u.mime, Size: u.size, Status: u.status(now), Error: u.failure, Accepted: u.began, LostReply: u.lost,
	}
	if u.content != nil {
		entry.SHA256, entry.Width, entry.Height = u.content.sum, u.content.width, u.content.height
	}
	if u.asset != nil && entry.Status == uploadImported {
		entry.AssetID, entry.Deleted = u.asset.id, u.asset.deleted
	}
	return entry
}
