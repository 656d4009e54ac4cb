package simulator

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// recordDate is when records were made that do not say it.
const recordDate = "2026-01-15T09:00:00.000Z"

// fillRecord adds what every record of the real API has. Scenario API: these are required
// by the reference.
func (m *model) fillRecord() {
	source := "other"
	if m.Type != typeCustom {
		source = "scenario"
	}
	for name, value := range map[string]any{
		"createdAt": recordDate, "updatedAt": cmp.Or(m.text("updatedAt"), m.text("createdAt"), recordDate),
		"collectionIds": []any{}, "exampleAssetIds": []any{}, "tags": []any{}, "capabilities": []any{},
		"custom": m.Type == typeCustom, "source": source, "trainingImagesNumber": 0,
		"status": "trained", "privacy": "private",
	} {
		if _, said := m.record[name]; !said {
			m.record[name] = value
		}
	}
}

// text is a text of the record, or "".
func (m *model) text(name string) string {
	text, _ := m.record[name].(string)
	return text
}

// texts is a list of texts of the record.
func (m *model) texts(name string) []string {
	var texts []string
	list, _ := m.record[name].([]any)
	for _, item := range list {
		if text, isText := item.(string); isText {
			texts = append(texts, text)
		}
	}
	return texts
}

// listModels answers GET /models. Scenario API: private ones unless privacy=public
// is asked for; rows have no inputs; the token is base64 of offset and limit.
func (s *Simulator) listModels(r *http.Request, _ *Key) *reply {
	query := r.URL.Query()
	page, refused := readOffset(query, 100, 500)
	if refused != nil {
		return refused
	}
	filter, refused := readModelFilter(query)
	if refused != nil {
		return refused
	}
	var wanted []*model
	for _, id := range slices.Sorted(maps.Keys(s.models.models)) {
		if model := s.models.models[id]; filter.wants(model) {
			wanted = append(wanted, model)
		}
	}
	filter.sort(wanted)
	rows := make([]map[string]any, len(wanted))
	for i, model := range wanted {
		rows[i] = model.row()
	}
	body := map[string]any{}
	body["models"] = append([]map[string]any{}, cut(rows, page, body)...) // never null
	return ok(body)
}

func (m *model) row() map[string]any {
	row := maps.Clone(m.record)
	delete(row, "inputs")
	delete(row, "uiConfig")
	return row
}

// modelFilter is what a list of models is asked for.
type modelFilter struct {
	times                    timeFilter
	kinds, tags, collections []string
	privacy, status, sortBy  string
}

// readModelFilter reads the query. The words of refusals are the simulator's own.
func readModelFilter(query url.Values) (modelFilter, *reply) {
	times, refused := readTimes(query)
	if refused != nil {
		return modelFilter{}, refused
	}
	f := modelFilter{
		times: times, tags: commaLists(query["tags"]), collections: commaLists(query["collectionId"], query["collectionIds"]),
		privacy: cmp.Or(query.Get("privacy"), "private"), status: query.Get("status"), sortBy: query.Get("sortBy"),
	}
	if f.sortBy != "" && !slices.Contains([]string{"createdAt", "updatedAt", "score"}, f.sortBy) {
		return f, reason(http.StatusBadRequest, "sortBy must be one of createdAt, updatedAt, score")
	}
	f.kinds, refused = readKinds(query)
	return f, refused
}

func (f *modelFilter) wants(m *model) bool {
	return m.text("privacy") == f.privacy && oneOf(f.kinds, m.Type) && (f.status == "" || f.status == m.text("status")) &&
		anyOf(f.tags, m.texts("tags")) && anyOf(f.collections, m.texts("collectionIds")) && f.times.holds(f.time(m))
}

// time is that by which the list is sorted and bounded. A record that tells it in another
// form has none.
func (f *modelFilter) time(m *model) time.Time {
	name := "createdAt"
	if f.sortBy == "updatedAt" {
		name = f.sortBy
	}
	at, err := time.Parse(time.RFC3339, m.text(name))
	if err != nil {
		return time.Time{}
	}
	return at
}

// sort orders the models by their time, newest first unless asked; otherwise, and by a
// score that nobody knows, they stay in the order of their ids.
func (f *modelFilter) sort(models []*model) {
	if f.sortBy == "" || f.sortBy == "score" {
		return
	}
	slices.SortStableFunc(models, func(one, other *model) int {
		if f.times.ascending {
			return f.time(one).Compare(f.time(other))
		}
		return f.time(other).Compare(f.time(one))
	})
}
