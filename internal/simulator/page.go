package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// pageSize reads the pageSize of a list. The words of its refusal are the
// simulator's own.
func pageSize(query url.Values, standard, most int) (int, *reply) {
	if !query.Has("pageSize") {
		return standard, nil
	}
	size, err := strconv.Atoi(query.Get("pageSize"))
	if err != nil || size < 1 || size > most {
		return 0, reason(http.StatusBadRequest, "pageSize must be between 1 and %d", most)
	}
	return size, nil
}

// offsetToken is how lists of models and assets are paged.
type offsetToken struct {
	Offset int `json:"offset"`
	Limit  int `json:"limit"`
}

// readOffset reads the page that a query asks for.
func readOffset(query url.Values, standard, most int) (offsetToken, *reply) {
	size, refused := pageSize(query, standard, most)
	if refused != nil {
		return offsetToken{}, refused
	}
	var page offsetToken
	if text := query.Get("paginationToken"); text != "" {
		if err := decodeToken(text, &page); err != nil || page.Offset < 0 {
			return offsetToken{}, reason(http.StatusBadRequest, "Invalid pagination token")
		}
	}
	page.Limit = size
	return page, nil
}

// cut returns the rows of a page and sets the token of the next one in the body,
// if there is one.
func cut[T any](rows []T, page offsetToken, body map[string]any) []T {
	start := min(page.Offset, len(rows))
	end := min(start+page.Limit, len(rows))
	if end < len(rows) {
		body["nextPaginationToken"] = encodeToken(offsetToken{Offset: end, Limit: page.Limit})
	}
	return rows[start:end]
}

// placeToken marks a job in a list. Scenario API: base64 of the database key of
// the last row, so it stays valid while new jobs arrive. Unread is our own, for a
// page without rows: the row itself is still to come.
type placeToken struct {
	CreatedAt textAttribute `json:"createdAt"`
	JobID     textAttribute `json:"jobId"`
	OwnerID   textAttribute `json:"ownerId"`
	Unread    bool          `json:"unread,omitempty"`
}

type textAttribute struct {
	S string `json:"S"`
}

func (s *Simulator) placeOf(r *run, unread bool) placeToken {
	return placeToken{textAttribute{s.stamp(r.accepted)}, textAttribute{r.id}, textAttribute{r.key.Project}, unread}
}

func encodeToken(token any) string {
	data, err := json.Marshal(token)
	if err != nil {
		panic(fmt.Sprintf("simulator: encode a page token: %v", err))
	}
	return base64.StdEncoding.EncodeToString(data)
}

func decodeToken(text string, token any) error {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, token)
}
