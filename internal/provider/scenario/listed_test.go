package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightshift/internal/job"
)

// listedAPI is an API with a list of inferences, newest first, and nothing else.
type listedAPI struct {
	began    time.Time
	jobs     []map[string]any
	hidden   map[string]bool // from the list, not from single reads
	whole    map[string]map[string]any
	empty    int    // pages without a row before the first
	page     int    // how many a page shows; 2 if not set
	unread   string // an id that single reads do not know
	requests []string
}

// add adds an inference that was made so many seconds after the beginning, at the top
// of the list.
func (a *listedAPI) add(id string, seconds int, inputs job.Inputs, author string) map[string]any {
	input := map[string]any{"modelId": testModel}
	maps.Copy(input, inputs)
	entry := map[string]any{
		"jobId": id, "status": "in-progress", "authorId": author,
		"createdAt": a.began.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339),
		"metadata":  map[string]any{"input": input},
	}
	a.jobs = append([]map[string]any{entry}, a.jobs...)
	return entry
}

func (a *listedAPI) serve(r *http.Request) (*http.Response, error) {
	id, single := strings.CutPrefix(r.URL.Path, "/v1/jobs/")
	if single {
		a.requests = append(a.requests, id)
		return a.one(id), nil
	}
	token := r.URL.Query().Get("paginationToken")
	a.requests = append(a.requests, "list"+token)
	at, _ := strconv.Atoi(token)
	if at < a.empty {
		return response(http.StatusOK, fmt.Sprintf(`{"jobs": [], "nextPaginationToken": "%d"}`, at+1)), nil
	}
	size := max(a.page, 2)
	var shown []map[string]any
	for _, entry := range a.jobs {
		if !a.hidden[entry["jobId"].(string)] {
			shown = append(shown, entry)
		}
	}
	from := min((at-a.empty)*size, len(shown))
	to := min(from+size, len(shown))
	next := ""
	if to < len(shown) {
		next = strconv.Itoa(at + 1)
	}
	body, err := json.Marshal(map[string]any{"jobs": append([]map[string]any{}, shown[from:to]...), "nextPaginationToken": next})
	return response(http.StatusOK, string(body)), err
}

func (a *listedAPI) one(id string) *http.Response {
	entry := a.whole[id]
	for _, listed := range a.jobs {
		if listed["jobId"] == id && entry == nil {
			entry = listed
		}
	}
	if entry == nil || id == a.unread {
		return response(http.StatusNotFound, `{"reason": "unknown"}`)
	}
	body, _ := json.Marshal(map[string]any{"job": entry})
	return response(http.StatusOK, string(body))
}

func (a *listedAPI) client(t *testing.T) *Client {
	t.Helper()
	return clientOf(t, roundTrip(a.serve))
}

// asked takes the requests that were made since it was asked last.
func (a *listedAPI) asked() string {
	asked := strings.Join(a.requests, " ")
	a.requests = nil
	return asked
}
