package scenario

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

// refusing answers 403 with these words to requests of which refuses says so, and to
// others that there is no such thing.
func refusing(words string, refuses func(r *http.Request) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case refuses(r):
			answer(403, `{"message": "`+words+`"}`)(w, r)
		case r.URL.Path == "/v1/jobs":
			answer(200, `{"jobs": []}`)(w, r)
		default:
			answer(404, `{"reason": "not found"}`)(w, r)
		}
	}
}

// A scope that the reply does not name is that of the route.
func TestCheckNamesScopes(t *testing.T) {
	t.Parallel()
	onPath := func(path string) func(*http.Request) bool {
		return func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, path) }
	}
	for name, test := range map[string]struct {
		words   string
		refuses func(*http.Request) bool
		want    []string
	}{
		"nothing":          {"no", func(*http.Request) bool { return false }, nil},
		"jobs":             {"Forbidden", onPath("/v1/jobs"), []string{"read the list of inferences: models.read"}},
		"assets":           {"Forbidden", onPath("/v1/assets"), []string{"read assets: assets.read"}},
		"models":           {"Forbidden", onPath("/v1/models"), []string{"read models: models.read"}},
		"generate":         {"Forbidden", onPath("/v1/generate"), []string{"run models: models.run"}},
		"named":            {"This key needs jobs.read.", onPath("/v1/jobs"), []string{"read the list of inferences: jobs.read"}},
		"of a team":        {"needs team.usage.read", onPath("/v1/assets"), []string{"read assets: team.usage.read"}},
		"a word with dots": {"see api.scenario.com/read", onPath("/v1/assets"), []string{"read assets: assets.read"}},
		"all": {"Forbidden", onPath("/v1/"), []string{
			"read the list of inferences: models.read", "read assets: assets.read", "read models: models.read", "run models: models.run",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				sent++
				refusing(test.words, test.refuses)(w, r)
			})
			places := 0
			missing, err := newClient(t, server.URL).Check(t.Context(), func(context.Context) error { places++; return nil })
			if err != nil || places != sent || sent != 4 {
				t.Errorf("%d requests with %d places, %v", sent, places, err)
			}
			var got []string
			for _, scope := range missing {
				got = append(got, string(scope.Action)+": "+scope.Scope)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
		})
	}
}

// A project that the key may not act for is told from a scope that it has not.
func TestCheckTellsAWrongProject(t *testing.T) {
	t.Parallel()
	ofProject := func(r *http.Request) bool { return r.URL.Query().Get("projectId") != "" }
	for name, test := range map[string]struct {
		words   string
		refuses func(*http.Request) bool
		access  job.Access
	}{
		"by the words":           {"This API key does not belong to the project proj_x", func(*http.Request) bool { return true }, job.AccessProject},
		"without it all is well": {"Forbidden", ofProject, job.AccessProject},
		"a missing scope":        {"Forbidden", func(r *http.Request) bool { return r.URL.Path == "/v1/jobs" }, ""},
		"a part of a word":       {"Forbidden for proj_xy", func(r *http.Request) bool { return r.URL.Path == "/v1/jobs" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, refusing(test.words, test.refuses))
			client, err := New(Options{BaseURL: server.URL, Key: testKey, Project: "proj_x"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			missing, err := client.Check(t.Context(), func(context.Context) error { return nil })
			access, refused := errors.AsType[*job.AccessError](err)
			if refused != (test.access != "") || refused && (access.Access != test.access || access.Project != "proj_x") {
				t.Errorf("%v, want it refused for %q", err, test.access)
			}
			if wanted := 1; !refused && len(missing) != wanted {
				t.Errorf("%d scopes are missing, want %d", len(missing), wanted)
			}
		})
	}
}

// What is no refusal is no missing scope, and costs nothing.
func TestCheckThatFails(t *testing.T) {
	t.Parallel()
	missing, err := newClient(t, serve(t, answer(500, "")).URL).Check(t.Context(), func(context.Context) error { return nil })
	if len(missing) > 0 || err == nil {
		t.Errorf("an outage: %v, %v", missing, err)
	}
	missing, err = newClient(t, serve(t, answer(403, "<html>Forbidden</html>")).URL).Check(t.Context(), func(context.Context) error { return nil })
	if _, refused := errors.AsType[*job.AccessError](err); len(missing) > 0 || err == nil || refused {
		t.Errorf("a page of a gateway: %v, %v", missing, err)
	}
	missing, err = newClient(t, serve(t, answer(401, `{"message": "Unauthorized"}`)).URL).Check(t.Context(), func(context.Context) error { return nil })
	if access, refused := errors.AsType[*job.AccessError](err); len(missing) > 0 || !refused || access.Access != job.AccessKey {
		t.Errorf("a bad key: %v, %v", missing, err)
	}
}
