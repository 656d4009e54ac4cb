package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// MaxAssets is how many assets one call of [Client.Assets] can read.
const MaxAssets = 200

// originals is the query of every read of assets.
//
// Scenario API: without it a link may lead to a smaller, recompressed or watermarked
// transform, and not to the file that was paid for.
func originals() url.Values { return url.Values{"originalAssets": {"true"}} }

// Asset reads one asset, with a fresh link. It returns an error that wraps
// [job.ErrNotFound] for an unknown id, a [job.AccessError], a [job.LimitError],
// or a plain error that may pass. The link is empty while the provider shows
// none.
func (c *Client) Asset(ctx context.Context, id string) (job.Asset, error) {
	about := fmt.Sprintf("read asset %q", id)
	if err := checkID("an asset", id); err != nil {
		return job.Asset{}, fmt.Errorf("%s: %w", about, err)
	}
	reply, err := c.read(ctx, call{op: OpAsset, method: http.MethodGet, path: []string{"assets", id}, query: originals()})
	if err != nil {
		return job.Asset{}, fmt.Errorf("%s: %w", about, err)
	}
	body, err := decode[struct{ Asset loose[assetRecord] }](reply)
	if err != nil {
		return job.Asset{}, fmt.Errorf("%s: %w", about, err)
	}
	if body.Asset.Value.ID.Value == "" {
		return job.Asset{}, fmt.Errorf("%s: the reply holds no asset", about)
	}
	return body.Asset.Value.asset(), nil
}

// Assets reads many assets with one request, in the order of ids; those that the
// provider does not show are left out. It returns an error for more than
// [MaxAssets] ids, and otherwise the errors of [Client.Asset].
func (c *Client) Assets(ctx context.Context, ids []string) ([]job.Asset, error) {
	records, err := c.assetRecords(ctx, ids)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	assets := make([]job.Asset, len(records))
	for i, record := range records {
		assets[i] = record.asset()
	}
	return assets, nil
}

// assetRecords is [Client.Assets] with all that the records say.
func (c *Client) assetRecords(ctx context.Context, ids []string) ([]assetRecord, error) {
	about := fmt.Sprintf("read %d assets", len(ids))
	if len(ids) > MaxAssets {
		return nil, fmt.Errorf("%s: one request takes at most %d", about, MaxAssets)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	data, err := json.Marshal(map[string][]string{"assetIds": ids})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	reply, err := c.read(ctx, call{op: OpAssets, method: http.MethodPost, path: []string{"assets", "get-bulk"}, query: originals(), data: data})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	body, err := decode[struct{ Assets *[]assetRecord }](reply)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	if body.Assets == nil {
		return nil, fmt.Errorf("%s: the reply holds no list of assets", about)
	}
	return inOrder(ids, *body.Assets), nil
}

// inOrder sorts the assets by the list of ids.
func inOrder(ids []string, records []assetRecord) []assetRecord {
	byID := make(map[string]assetRecord, len(records))
	for _, record := range records {
		byID[record.ID.Value] = record
	}
	found := make([]assetRecord, 0, len(ids))
	for _, id := range ids {
		if record, ok := byID[id]; ok {
			found = append(found, record)
		}
	}
	return found
}

// assetRecord is an asset as the API writes it.
type assetRecord struct {
	ID         loose[string]
	URL        loose[string]
	MIMEType   loose[string]
	Properties loose[struct{ Width, Height, Size loose[json.Number] }]
	Metadata   loose[struct{ ParentJobID, Name loose[string] }]
}

// parent is the run that made the image; "" where the record does not say.
func (r *assetRecord) parent() string { return r.Metadata.Value.ParentJobID.Value }

// image is what the record says of the image itself.
func (r *assetRecord) image() provider.Record {
	properties := r.Properties.Value
	return provider.Record{Run: r.parent(), Width: whole(properties.Width), Height: whole(properties.Height), Bytes: int64(whole(properties.Size))}
}

func (r *assetRecord) asset() job.Asset {
	return job.Asset{
		ID:   r.ID.Value,
		Link: job.Link(r.URL.Value),
		MIME: r.MIMEType.Value,
		Size: int64(whole(r.Properties.Value.Size)), // 0 where it is not said
	}
}
