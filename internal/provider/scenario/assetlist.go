package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// assetPage is the largest page of the list of assets.
	assetPage = 100
	// assetPages bounds one reading of it.
	assetPages = 20
)

// madeAfter asks the list of assets for those that were made since then, by the API's clock.
//
// Scenario API: createdAfter needs sortBy.
func madeAfter(since time.Time) url.Values {
	query := originals()
	query.Set("sortBy", "createdAt")
	query.Set("createdAfter", since.UTC().Format(usageTime))
	query.Set("pageSize", strconv.Itoa(assetPage))
	return query
}

// eachAsset reads the list of assets page by page, until it ends or visit wants no more. Both
// what was uploaded and what was made is found so, and neither may be taken for missing where
// the list goes on.
func (c *Client) eachAsset(ctx context.Context, query url.Values, visit func(*assetRecord) (more bool)) error {
	for range assetPages {
		reply, err := c.read(ctx, call{op: OpMade, method: http.MethodGet, path: []string{"assets"}, query: query})
		if err != nil {
			return err
		}
		page, err := decode[struct {
			Assets              *[]assetRecord
			NextPaginationToken string
		}](reply)
		if err != nil {
			return err
		}
		if page.Assets == nil {
			return errors.New("the reply holds no list of assets")
		}
		for i := range *page.Assets {
			if !visit(&(*page.Assets)[i]) {
				return nil
			}
		}
		if page.NextPaginationToken == "" {
			return nil
		}
		query.Set("paginationToken", page.NextPaginationToken)
	}
	return fmt.Errorf("the list did not end after %d pages", assetPages)
}
