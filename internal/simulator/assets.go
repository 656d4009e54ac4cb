package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"
)

// maxBulkAssets is how many assets one bulk read takes. Scenario API: 200; over it
// the whole call is refused.
const maxBulkAssets = 200

// assetRecord is an asset as the API shows it.
type assetRecord struct {
	ID               string          `json:"id"`
	URL              string          `json:"url"`
	MIMEType         string          `json:"mimeType"`
	Kind             string          `json:"kind"`
	Metadata         assetMetadata   `json:"metadata"`
	Properties       assetProperties `json:"properties"`
	Source           string          `json:"source"`
	OwnerID          string          `json:"ownerId"`
	AuthorID         string          `json:"authorId"`
	CreatedAt        string          `json:"createdAt"`
	UpdatedAt        string          `json:"updatedAt"`
	Privacy          string          `json:"privacy"`
	Tags             []string        `json:"tags"`
	CollectionIDs    []string        `json:"collectionIds"`
	Status           string          `json:"status"`
	EditCapabilities []string        `json:"editCapabilities"`
	OutputIndex      int             `json:"outputIndex"`
}

// assetMetadata says where an image comes from. Scenario API: outputIndex was 0 on
// both assets of a job with two, so it is 0 on all here.
type assetMetadata struct {
	Type        string `json:"type"`
	Kind        string `json:"kind"`
	ModelID     string `json:"modelId"`
	Prompt      string `json:"prompt"`
	Seed        string `json:"seed"`
	NumOutputs  int    `json:"numOutputs"`
	OutputIndex int    `json:"outputIndex"`
	ParentJobID string `json:"parentJobId"`
	assetProperties
}

type assetProperties struct {
	Width  int   `json:"width"`
	Height int   `json:"height"`
	Size   int64 `json:"size"`
}

// assetRecord shows an asset with a fresh link.
func (s *Simulator) assetRecord(a *asset, r *http.Request) assetRecord {
	expires := time.Now().Add(s.options.LinkLifetime)
	if s.fault(FaultExpireLink) != nil {
		expires = time.Now().Add(-time.Minute)
	}
	link := s.baseURL(r) + s.links.sign(linkPath+a.id, expires)
	if fault := s.fault(FaultForeignLink); fault != nil {
		link = fault.URL
	}
	properties := assetProperties{Width: a.spec.Width, Height: a.spec.Height, Size: s.images.size(a)}
	if s.fault(FaultWrongRecord) != nil {
		properties = assetProperties{Width: 2 * properties.Width, Height: 2 * properties.Height, Size: 2 * properties.Size}
	}
	ended := s.stamp(a.run.ends())
	return assetRecord{
		ID: a.id, URL: link,
		MIMEType: a.claimed.MIME(), Kind: "image", Source: "generated", Status: "success", Privacy: "private",
		Metadata: assetMetadata{
			Type: "inference-txt2img", Kind: "image", ModelID: a.run.model.ID, Prompt: a.run.prompt,
			Seed: a.seedText, NumOutputs: len(a.run.assets), ParentJobID: a.run.id, assetProperties: properties,
		},
		Properties: properties, OwnerID: a.run.key.Project, AuthorID: a.run.key.ID, CreatedAt: ended, UpdatedAt: ended,
		Tags: []string{}, CollectionIDs: []string{}, EditCapabilities: []string{},
	}
}

// mayRefuse refuses a read where the fault of its kind is set.
func (s *Simulator) mayRefuse(kind FaultKind, next apiHandler) apiHandler {
	return func(r *http.Request, key *Key) *reply {
		if s.fault(kind) != nil {
			return message(http.StatusForbidden, "Forbidden")
		}
		return next(r, key)
	}
}

// getAsset answers GET /assets/{id}.
func (s *Simulator) getAsset(r *http.Request, key *Key) *reply {
	asset := s.book.findAsset(r.PathValue("id"), key, time.Now())
	if asset == nil || s.fault(FaultMissingAsset) != nil {
		return noSuchAsset(r.PathValue("id"))
	}
	return ok(map[string]any{"asset": s.assetRecord(asset, r)})
}

// noSuchAsset is in the words of unknown models; the real ones are not known.
func noSuchAsset(id string) *reply { return reason(http.StatusNotFound, "Asset %s not found", id) }

// getAssets answers POST /assets/get-bulk. Assets that are not known are left out.
func (s *Simulator) getAssets(r *http.Request, key *Key) *reply {
	var body struct {
		AssetIDs []string `json:"assetIds"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxRequestBytes)).Decode(&body); err != nil {
		return reason(http.StatusBadRequest, "The request body is not a JSON object")
	}
	switch {
	case len(body.AssetIDs) == 0:
		return reason(http.StatusBadRequest, "Input assetIds is required")
	case len(body.AssetIDs) > maxBulkAssets:
		return reason(http.StatusBadRequest, "Input assetIds must be at most %d items long", maxBulkAssets)
	}
	records := []assetRecord{}
	now := time.Now()
	for _, id := range body.AssetIDs {
		if asset := s.book.findAsset(id, key, now); asset != nil && s.fault(FaultMissingAsset) == nil {
			records = append(records, s.assetRecord(asset, r))
		}
	}
	return ok(map[string]any{"assets": records})
}

// listAssets answers GET /assets. Scenario API: pages of 50 unless asked, at most
// 100, filters by author, model and creation time. Newest first here.
func (s *Simulator) listAssets(r *http.Request, key *Key) *reply {
	query := r.URL.Query()
	page, refused := readOffset(query, 50, 100)
	if refused != nil {
		return refused
	}
	if query.Has("createdAfter") && query.Get("sortBy") != "createdAt" {
		return reason(http.StatusBadRequest, "createdAfter needs sortBy=createdAt")
	}
	after, err := parseStamp(query.Get("createdAfter"))
	if err != nil {
		return reason(http.StatusBadRequest, "createdAfter must be a date")
	}
	wanted := func(a *asset) bool {
		return s.told(a.run.ends()).After(after) &&
			(!query.Has("authorId") || query.Get("authorId") == a.run.key.ID) &&
			(!query.Has("modelId") || query.Get("modelId") == a.run.model.ID)
	}
	assets := s.book.assetsOf(key, wanted, time.Now())
	if s.fault(FaultEmptyAssets) != nil {
		assets = nil
	}
	body, records := map[string]any{}, []assetRecord{}
	for _, asset := range cut(assets, page, body) {
		records = append(records, s.assetRecord(asset, r))
	}
	body["assets"] = records
	return ok(body)
}

func parseStamp(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, text)
}

// assetsOf returns the wanted assets that exist by now, newest first.
func (b *book) assetsOf(key *Key, wanted func(*asset) bool, now time.Time) []*asset {
	var assets []*asset
	for _, run := range b.ofTenant(key) {
		if !run.succeeded(now) {
			continue
		}
		for _, asset := range run.assets {
			if wanted(asset) {
				assets = append(assets, asset)
			}
		}
	}
	slices.SortStableFunc(assets, func(a, b *asset) int { return b.run.ends().Compare(a.run.ends()) })
	return assets
}
