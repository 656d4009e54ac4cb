package simulator

import (
	"net/http"
	"slices"
	"strconv"
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
	OutputIndex      *int            `json:"outputIndex,omitempty"`
	IsHidden         bool            `json:"isHidden,omitempty"`
}

// kindImage is the kind of every asset here.
const kindImage = "image"

// assetMetadata says where an image comes from. Scenario API: outputIndex was 0 on
// both assets of a job with two, so it is 0 on all here.
type assetMetadata struct {
	Type        string `json:"type"`
	Kind        string `json:"kind"`
	Name        string `json:"name,omitempty"`
	ParentID    string `json:"parentId,omitempty"`
	ModelID     string `json:"modelId,omitempty"`
	Prompt      string `json:"prompt,omitempty"`
	Seed        string `json:"seed,omitempty"`
	NumOutputs  int    `json:"numOutputs,omitempty"`
	OutputIndex *int   `json:"outputIndex,omitempty"`
	ParentJobID string `json:"parentJobId,omitempty"`
	assetProperties
}

type assetProperties struct {
	Width  int   `json:"width"`
	Height int   `json:"height"`
	Size   int64 `json:"size"`
}

// editCapabilities is what can be done with an image. Scenario API: the list of one that
// was uploaded.
var editCapabilities = []string{
	"REMOVE_BACKGROUND", "REFINE", "PIXELATE", "PROMPT_EDITING", "UPSCALE", "UPSCALE_360",
	"DETECTION", "VECTORIZATION", "SEGMENTATION", "REFRAME", "GENERATIVE_FILL",
}

// assetRecord shows an asset with a fresh link.
func (s *Simulator) assetRecord(a *asset, r *http.Request) assetRecord {
	properties := assetProperties{Width: a.spec.Width, Height: a.spec.Height, Size: s.images.size(a)}
	if s.fault(FaultWrongRecord) != nil {
		properties = assetProperties{Width: 2 * properties.Width, Height: 2 * properties.Height, Size: 2 * properties.Size}
	}
	made := s.stamp(a.made)
	record := assetRecord{
		ID: a.id, URL: s.assetLink(a, r),
		MIMEType: a.claimed.MIME(), Kind: kindImage, Source: a.kind.source, Status: "success", Privacy: "private",
		Metadata:   assetMetadata{Type: a.kind.kind, Kind: kindImage, ParentID: a.parent, assetProperties: properties},
		Properties: properties, OwnerID: a.owner.Project, AuthorID: a.owner.ID, CreatedAt: made, UpdatedAt: made,
		Tags: []string{}, CollectionIDs: []string{}, EditCapabilities: editCapabilities,
	}
	if a.upload != nil {
		record.Metadata.Name, record.IsHidden = a.upload.name, a.upload.options.Hide
		record.CollectionIDs = append(record.CollectionIDs, a.upload.options.CollectionIDs...)
		return record
	}
	record.Metadata.ModelID, record.Metadata.Prompt, record.Metadata.Seed = a.run.model.ID, a.run.prompt, a.seedText
	record.Metadata.NumOutputs, record.Metadata.OutputIndex = len(a.run.assets), new(int)
	record.Metadata.ParentJobID = a.run.id
	record.OutputIndex = new(int)
	return record
}

// assetLink is a fresh link. Scenario API: it leads to a transform unless the original is
// asked for.
func (s *Simulator) assetLink(a *asset, r *http.Request) string {
	expires := time.Now().Add(s.options.LinkLifetime)
	if s.fault(FaultExpireLink) != nil {
		expires = time.Now().Add(-time.Minute)
	}
	if fault := s.fault(FaultForeignLink); fault != nil {
		return fault.URL
	}
	if asksOriginal(r) && s.fault(FaultTransformOriginal) == nil {
		return s.baseURL(r) + s.links.sign(linkPath+a.id, expires)
	}
	return s.baseURL(r) + s.links.sign(transformPath+a.id, expires) + "&p=100"
}

func asksOriginal(r *http.Request) bool {
	original, err := strconv.ParseBool(r.URL.Query().Get("originalAssets"))
	return err == nil && original
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

// readAssetIDs reads the body of a call about several assets.
func readAssetIDs(r *http.Request, most int) (ids []string, refused *reply) {
	var body struct {
		AssetIDs []string `json:"assetIds"`
	}
	if refused := decodeBody(r, &body); refused != nil {
		return nil, refused
	}
	switch {
	case len(body.AssetIDs) == 0:
		return nil, reason(http.StatusBadRequest, "Input assetIds is required")
	case len(body.AssetIDs) > most:
		return nil, reason(http.StatusBadRequest, "Input assetIds must be at most %d items long", most)
	default:
		return body.AssetIDs, nil
	}
}

// getAssets answers POST /assets/get-bulk. Assets that are not known are left out.
func (s *Simulator) getAssets(r *http.Request, key *Key) *reply {
	ids, refused := readAssetIDs(r, maxBulkAssets)
	if refused != nil {
		return refused
	}
	records := []assetRecord{}
	now := time.Now()
	for _, id := range ids {
		if asset := s.book.findAsset(id, key, now); asset != nil && s.fault(FaultMissingAsset) == nil {
			records = append(records, s.assetRecord(asset, r))
		}
	}
	return ok(map[string]any{"assets": records})
}

// listAssets answers GET /assets. Scenario API: pages of 50 unless asked, at most
// 100. Newest first unless asked.
func (s *Simulator) listAssets(r *http.Request, key *Key) *reply {
	query := r.URL.Query()
	page, refused := readOffset(query, 50, 100)
	if refused != nil {
		return refused
	}
	filter, refused := readAssetFilter(query)
	if refused != nil {
		return refused
	}
	assets := s.book.assetsOf(key, func(a *asset) bool { return filter.wants(a, s.told(a.made)) }, time.Now())
	if filter.times.ascending {
		slices.Reverse(assets)
	}
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

// assetsOf returns the wanted assets that exist by now, newest first.
func (b *book) assetsOf(key *Key, wanted func(*asset) bool, now time.Time) []*asset {
	b.mu.Lock()
	defer b.mu.Unlock()
	var assets []*asset
	add := func(a *asset) {
		if a.there(now) && wanted(a) {
			assets = append(assets, a)
		}
	}
	for _, run := range b.tenants[key.tenant()] {
		for _, asset := range run.assets {
			add(asset)
		}
	}
	for _, upload := range b.uploads {
		if upload.asset != nil && upload.key.tenant() == key.tenant() {
			add(upload.asset)
		}
	}
	slices.SortStableFunc(assets, func(one, other *asset) int { return other.made.Compare(one.made) })
	return assets
}

// deleteAssets answers DELETE /assets. Scenario API: up to 100 at once, and an empty
// object; ids that are not known are passed over here.
func (s *Simulator) deleteAssets(r *http.Request, key *Key) *reply {
	ids, refused := readAssetIDs(r, maxDeletedAssets)
	if refused != nil {
		return refused
	}
	for _, id := range ids {
		if asset := s.book.findAsset(id, key, time.Now()); asset != nil {
			s.book.deleteAsset(asset)
		}
	}
	return ok(map[string]any{})
}

// maxDeletedAssets is how many assets one call deletes. Scenario API: 100.
const maxDeletedAssets = 100

func (b *book) deleteAsset(a *asset) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.deleted = true
}
