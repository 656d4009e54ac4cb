package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// timeFilter is what a list is asked for by its times. Scenario API: the bounds are
// exclusive, and need that the list is sorted by the same time.
type timeFilter struct {
	after, before time.Time
	ascending     bool
}

// readTimes reads a timeFilter. The words of refusals are the simulator's own.
func readTimes(query url.Values) (timeFilter, *reply) {
	f := timeFilter{ascending: query.Get("sortDirection") == "asc"}
	if direction := query.Get("sortDirection"); direction != "" && direction != "asc" && direction != "desc" {
		return f, reason(http.StatusBadRequest, "sortDirection must be one of asc, desc")
	}
	for _, bound := range []struct {
		name, sort string
		at         *time.Time
	}{
		{"createdAfter", "createdAt", &f.after},
		{"createdBefore", "createdAt", &f.before},
		// Nothing here changes after it was made.
		{"updatedAfter", "updatedAt", &f.after},
		{"updatedBefore", "updatedAt", &f.before},
	} {
		text := query.Get(bound.name)
		if text == "" {
			continue
		}
		if query.Get("sortBy") != bound.sort {
			return f, reason(http.StatusBadRequest, "%s needs sortBy=%s", bound.name, bound.sort)
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return f, reason(http.StatusBadRequest, "%s must be a date", bound.name)
		}
		*bound.at = at
	}
	return f, nil
}

func (f *timeFilter) holds(at time.Time) bool {
	return (f.after.IsZero() || at.After(f.after)) && (f.before.IsZero() || at.Before(f.before))
}

// readKinds reads type or types. Scenario API: not both; a comma list, or one given
// several times.
func readKinds(query url.Values) ([]string, *reply) {
	if query.Get("type") != "" && query.Get("types") != "" {
		return nil, reason(http.StatusBadRequest, "type and types cannot be used together")
	}
	return commaLists(query["type"], query["types"]), nil
}

// commaLists are the values of lists with commas.
func commaLists(lists ...[]string) []string {
	var values []string
	for _, text := range slices.Concat(lists...) {
		for value := range strings.SplitSeq(text, ",") {
			if value != "" {
				values = append(values, value)
			}
		}
	}
	return values
}

// oneOf reports whether a value is among those that are asked for, which none means all.
func oneOf(asked []string, value string) bool {
	return len(asked) == 0 || slices.Contains(asked, value)
}

// anyOf is the same for a thing with several values.
func anyOf(asked, values []string) bool {
	return len(asked) == 0 || slices.ContainsFunc(values, func(value string) bool { return slices.Contains(asked, value) })
}

// assetFilter is what a list of assets is asked for.
type assetFilter struct {
	times       timeFilter
	kinds       []string
	collections []string
	query       url.Values
}

func readAssetFilter(query url.Values) (assetFilter, *reply) {
	times, refused := readTimes(query)
	if refused != nil {
		return assetFilter{}, refused
	}
	kinds, refused := readKinds(query)
	return assetFilter{times, kinds, commaLists(query["collectionId"]), query}, refused
}

// wants reports whether an asset is among those that are asked for. Nothing here is
// public, has a tag, or comes from an inference of the older routes.
func (f *assetFilter) wants(a *asset, made time.Time) bool {
	is := func(name, value string) bool { return !f.query.Has(name) || f.query.Get(name) == value }
	var model string
	var collections []string
	if a.run != nil {
		model = a.run.model.ID
	}
	if a.upload != nil {
		collections = a.upload.options.CollectionIDs
	}
	return f.times.holds(made) && oneOf(f.kinds, a.kind.kind) && anyOf(f.collections, collections) &&
		is("authorId", a.owner.ID) && is("modelId", model) && is("parentAssetId", a.parent) && is("rootAssetId", a.root()) &&
		is("privacy", "private") && is("inferenceId", "") && is("tags", "")
}
