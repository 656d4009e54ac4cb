package simulator_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/simulator"
)

// page returns the prompts of a page of jobs and the token of the next.
func (b *bench) page(query string) (prompts []string, token string) {
	b.t.Helper()
	got := b.get("/v1/jobs?" + query)
	if got.status != 200 {
		b.t.Fatalf("list answered %d %v", got.status, got.body)
	}
	prompts = []string{}
	for _, row := range got.body["jobs"].([]any) {
		prompts = append(prompts, at(row, "metadata", "input", "prompt").(string))
	}
	token, _ = got.body["nextPaginationToken"].(string)
	return prompts, token
}

// TestListPages: newest first, ten at a time, and a token keeps its place while new
// jobs arrive.
func TestListPages(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	for i := range 25 {
		b.generate(fmt.Sprint(i))
	}
	first, token := b.page("")
	b.generate("late")
	second, next := b.page("paginationToken=" + url.QueryEscape(token))
	third, end := b.page("paginationToken=" + url.QueryEscape(next))
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprint(24-i))
	}
	if diff := cmp.Diff([][]string{want[:10], want[10:20], want[20:]}, [][]string{first, second, third}); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if end != "" {
		t.Errorf("the last page carries the token %q", end)
	}
	if all, _ := b.page("pageSize=200"); len(all) != 26 {
		t.Errorf("a page of 200 holds %d jobs, want 26", len(all))
	}
}

// TestListToken reads a token as the real ones were read.
func TestListToken(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	b.generate("one")
	id := b.generate("two")
	_, token := b.page("pageSize=1")
	data, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	var place map[string]map[string]string
	if err := json.Unmarshal(data, &place); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		"jobId": {"S": id}, "ownerId": {"S": "proj_sim"}, "createdAt": {"S": b.job(id)["createdAt"].(string)},
	}
	if diff := cmp.Diff(want, place); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
}

// TestListFiltersAfterThePageIsCut: an empty page can carry a token, and a page
// that was filled does so even where nothing follows.
func TestListFiltersAfterThePageIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: fixed(10 * time.Second)})
		b.generate("old")
		time.Sleep(11 * time.Second)
		b.generate("new one")
		b.generate("new two")
		time.Sleep(2 * time.Second)
		none, token := b.page("status=success&pageSize=2")
		if len(none) != 0 || token == "" {
			t.Errorf("first page %v with token %q, want none with a token", none, token)
		}
		rest, _ := b.page("status=success&pageSize=2&paginationToken=" + url.QueryEscape(token))
		if diff := cmp.Diff([]string{"old"}, rest); diff != "" {
			t.Errorf("second page (-want +got):\n%s", diff)
		}
		_, token = b.page("pageSize=3")
		last, end := b.page("pageSize=3&paginationToken=" + url.QueryEscape(token))
		if token == "" || len(last) != 0 || end != "" {
			t.Errorf("after a page that was just filled: token %q, then %v with token %q", token, last, end)
		}
	})
}

// TestSparsePages: pages that leave rows out lose none and come to an end, also
// where every page does so and jobs arrive meanwhile.
func TestSparsePages(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3, 10, 200} {
		b := setup(t, simulator.Options{Latency: instant, RequestsPerMinute: simulator.Unlimited})
		for i := range 25 {
			b.generate(fmt.Sprint(i))
		}
		b.faults(simulator.Fault{Kind: simulator.FaultSparseList, Rate: 1, Seed: 2})
		var want, have []string
		for i := range 25 {
			want = append(want, fmt.Sprint(24-i))
		}
		query, short, empty := "", 0, 0
		for pages := 1; ; pages++ {
			rows, token := b.page(fmt.Sprintf("pageSize=%d", size) + query)
			have = append(have, rows...)
			if len(rows) == 0 && token != "" {
				empty++
			}
			if len(rows) < size {
				short++
			}
			next := "&paginationToken=" + url.QueryEscape(token)
			if token == "" {
				break
			}
			if next == query || pages > 100 {
				t.Fatalf("size %d: page %d leads nowhere", size, pages)
			}
			query = next
			b.generate("late")
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("size %d: all pages (-want +got):\n%s", size, diff)
		}
		if short < 2 || empty == 0 {
			t.Errorf("size %d: %d pages were short, %d empty", size, short, empty)
		}
	}
}

// TestSparsePagesBefallLists: a list without rows has none to leave out, and one
// fault is one page.
func TestSparsePagesBefallLists(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	b.faults(simulator.Fault{Kind: simulator.FaultSparseList, Next: 1})
	if rows, token := b.page(""); len(rows) != 0 || token != "" {
		t.Errorf("an empty list shows %v with token %q", rows, token)
	}
	b.generate("one")
	if rows, token := b.page(""); len(rows) != 0 || token == "" {
		t.Errorf("the page shows %v with token %q, want none and a token", rows, token)
	}
	if rows, token := b.page(""); len(rows) != 1 || token != "" {
		t.Errorf("the next page shows %v with token %q", rows, token)
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	keys := []simulator.Key{{Key: "a", Secret: "s", ID: "apiu_A"}, {Key: "b", Secret: "s"}}
	b := setup(t, simulator.Options{Keys: keys, Latency: instant}).as("a:s")
	b.generate("of a")
	b.as("b:s").generate("of b")
	for query, want := range map[string][]string{
		"":                         {"of b", "of a"},
		"authorId=apiu_A":          {"of a"},
		"authorId=apiu_b":          {"of b"},
		"authorId=a":               {},
		"status=success":           {"of b", "of a"},
		"status=failure":           {},
		"type=custom":              {"of b", "of a"},
		"type=upload":              {},
		"type=upload&types=custom": {"of b", "of a"},
		"types=flux,upload":        {},
	} {
		got, _ := b.page(query)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
	for _, query := range []string{"pageSize=0", "pageSize=201", "pageSize=x", "status=running", "paginationToken=x", "paginationToken=e30="} {
		if got := b.get("/v1/jobs?" + query); got.status != 400 {
			t.Errorf("%q was answered with %d", query, got.status)
		}
	}
}

// TestLongPromptsAreHiddenInLists: lists show one text asset for equal prompts,
// the single job shows the text.
func TestLongPromptsAreHiddenInLists(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	long := strings.Repeat("long ", 21)
	id := b.generate(long)
	b.generate(long)
	b.generate(long[:100])
	rows, _ := b.page("")
	if rows[0] != long[:100] || !strings.HasPrefix(rows[1], "asset_") || rows[1] != rows[2] {
		t.Errorf("lists show %q", rows)
	}
	if shown := at(b.job(id), "metadata", "input", "prompt"); shown != long {
		t.Errorf("the job itself shows %q", shown)
	}
	if rows, _ := setupWithJob(t, long).page(""); rows[0] != long {
		t.Errorf("without a limit lists show %q", rows)
	}
}

func setupWithJob(t *testing.T, prompt string) *bench {
	t.Helper()
	b := setup(t, simulator.Options{Latency: instant, LongPrompt: simulator.Unlimited})
	b.generate(prompt)
	return b
}

func TestCancelIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	path := "/v1/jobs/" + b.generate("a") + "/action"
	want := reply{400, why("Cannot cancel this type of job. Action not permitted.")}
	if diff := cmp.Diff(want, b.must("POST", path, `{"action":"cancel"}`), cmp.AllowUnexported(reply{})); diff != "" {
		t.Errorf("cancel (-want +got):\n%s", diff)
	}
	if got := b.must("POST", "/v1/jobs/job_none/action", `{"action":"cancel"}`); got.status != 404 {
		t.Errorf("cancelling an unknown job was answered with %d", got.status)
	}
}
