package scenario

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// Where nothing in the list is of the time of an attempt, assets and charges are asked.
func TestFindElsewhere(t *testing.T) {
	t.Parallel()
	seeded := job.Inputs{"prompt": "a potion", "seed": job.NormalValue(7)}
	other := job.Inputs{"prompt": "a sword", "seed": job.NormalValue(8)}
	refused := func(int) *http.Response { return response(http.StatusForbidden, `{"message": "Forbidden"}`) }
	invalid := func(int) *http.Response { return response(http.StatusBadRequest, `{"reason": "no such filter"}`) }
	cases := map[string]struct {
		list    func(*listedAPI)
		asset   string // the run that an asset names
		charged bool
		assets  func(int) *http.Response // in place of the list of assets
		usages  func(int) *http.Response
		notYet  bool // other sources are not wanted yet
		soon    bool // but where a list is nearly of its time
		want    string
		bare    bool
		unclear bool
		lacks   string
	}{
		"a run of its time is listed":      {list: func(a *listedAPI) { a.add("q", 1, other, "") }},
		"one of shortly before":            {notYet: true, bare: true, list: func(a *listedAPI) { a.add("q", -1, other, "") }},
		"one of shortly before, soon":      {notYet: true, soon: true, list: func(a *listedAPI) { a.add("q", -30, other, "") }},
		"one of before, soon":              {notYet: true, soon: true, bare: true, list: func(a *listedAPI) { a.add("q", -90, other, "") }},
		"nothing is known yet":             {notYet: true, bare: true},
		"one of long before, not yet":      {notYet: true, bare: true, list: func(a *listedAPI) { a.add("q", -90, other, "") }},
		"nothing anywhere":                 {},
		"its image is there":               {asset: "r", want: "r", lacks: "r", list: func(a *listedAPI) { a.hide("r", seeded) }},
		"another one's image is there":     {asset: "q", lacks: "q", list: func(a *listedAPI) { a.hide("q", other) }},
		"one of ours":                      {asset: "ours", lacks: "ours", list: func(a *listedAPI) { a.hide("ours", other) }},
		"an image of a listed run":         {asset: "q", list: func(a *listedAPI) { a.add("q", -90, other, "") }},
		"an image of a run that is gone":   {asset: "gone"},
		"a charge":                         {charged: true, unclear: true},
		"a charge, and its image is there": {asset: "r", charged: true, want: "r", lacks: "r", list: func(a *listedAPI) { a.hide("r", seeded) }},
		"assets may not be read":           {assets: refused, unclear: true},
		"usages may not be read":           {usages: refused},
		"assets are not listed so":         {assets: invalid, unclear: true},
		"usages are not listed so":         {usages: invalid},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := &listedAPI{began: time.Now(), page: 200}
				if c.list != nil {
					c.list(api)
				}
				client := clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
					switch {
					case strings.HasSuffix(r.URL.Path, "/assets") && c.assets != nil:
						return c.assets(0), nil
					case strings.HasSuffix(r.URL.Path, "/assets") && c.asset != "":
						return response(http.StatusOK, fmt.Sprintf(`{"assets": [{"id": "a1", "metadata": {"parentJobId": %q}}]}`, c.asset)), nil
					case strings.HasSuffix(r.URL.Path, "/assets"):
						return response(http.StatusOK, `{"assets": []}`), nil
					case strings.HasSuffix(r.URL.Path, "/usages") && c.usages != nil:
						return c.usages(0), nil
					case strings.HasSuffix(r.URL.Path, "/usages"):
						return response(http.StatusOK, chargesOf(c.charged && r.URL.Query().Get("activityOffset") == "0", api.began.Add(time.Second))), nil
					default:
						return api.serve(r)
					}
				}))
				client.receipts.learn(api.began, api.began, api.began)
				matches, err := client.Find(t.Context(), []provider.Attempt{{
					Request: job.Request{Model: testModel, Inputs: seeded, PromptInput: "prompt"}, Sent: api.began, Elsewhere: !c.notYet, Soon: c.soon, Fresh: time.Minute,
				}}, nil, oursAlone)
				if err != nil {
					t.Fatal(err)
				}
				m := matches[0]
				if shown(m.Runs) != c.want || m.Bare != c.bare || m.Unclear != c.unclear || m.Lacks != c.lacks || m.Complete != (c.lacks == "") {
					t.Errorf("found %+v, want %+v", m, c)
				}
			})
		})
	}
}

// hide adds a run that only single reads show.
func (a *listedAPI) hide(id string, inputs job.Inputs) {
	if a.whole == nil {
		a.whole, a.hidden = make(map[string]map[string]any), make(map[string]bool)
	}
	a.whole[id], a.hidden[id] = a.add(id, 1, inputs, ""), true
}

func oursAlone(_ context.Context, ids []string) (map[string]bool, error) {
	owned := make(map[string]bool)
	for _, id := range ids {
		owned[id] = id == "ours"
	}
	return owned, nil
}

func chargesOf(charged bool, at time.Time) string {
	if !charged {
		return `{"activity": []}`
	}
	return fmt.Sprintf(`{"activity": [{"action": "custom", "time": %q, "userId": "me", "creativeUnitsCost": 5}]}`, at.UTC().Format(time.RFC3339))
}
