package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// Poll reads pages until all runs were seen, or back to where the oldest was made.
func TestPoll(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		polled []string
		hidden []string
		want   string // runs, those that are not found with a "!"
		asked  string
	}{
		"all on the first page":   {polled: []string{"r5", "r4"}, want: "r4 r5", asked: "list"},
		"down to the last":        {polled: []string{"r5", "r1"}, want: "r1 r5", asked: "list list1 list2"},
		"one alone":               {polled: []string{"r1"}, want: "r1", asked: "r1"},
		"one is hidden":           {polled: []string{"r5", "r4"}, hidden: []string{"r4"}, want: "r4 r5", asked: "list r4"},
		"one is not there":        {polled: []string{"r5", "x"}, want: "!x r5", asked: "list list1 list2 x"},
		"one of now is not there": {polled: []string{"r5", "now"}, want: "!now r5", asked: "list now"},
		"one alone is not there": {
			polled: []string{"x"}, want: "!x", asked: "x list list1 list2 x",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := fiveRuns(time.Now())
				api.hidden = make(map[string]bool)
				for _, id := range c.hidden {
					api.hidden[id] = true
				}
				client := api.client(t)
				client.clock.learn(client.clock.read(), dateHeader(time.Now()))
				told, err := client.Poll(t.Context(), runsOf(api, c.polled))
				if err != nil {
					t.Fatal(err)
				}
				if got, asked := shown(told), api.asked(); got != c.want || asked != c.asked {
					t.Errorf("got %q by %q, want %q by %q", got, asked, c.want, c.asked)
				}
			})
		})
	}
}

// fiveRuns are r1 to r5, an hour apart: further than any clock.
func fiveRuns(began time.Time) *listedAPI {
	api := &listedAPI{began: began.Add(-10 * time.Hour)}
	for i := 1; i <= 5; i++ {
		api.add(fmt.Sprintf("r%d", i), i*3600, job.Inputs{"prompt": "a", "seed": i}, "")
	}
	return api
}

func runsOf(api *listedAPI, ids []string) []provider.Run {
	var runs []provider.Run
	for _, id := range ids {
		run := provider.Run{ID: id, Made: api.began}
		if id == "now" {
			run.Made = time.Now()
		}
		if number, known := strings.CutPrefix(id, "r"); known {
			run.Made = api.began.Add(time.Duration(number[0]-'0') * time.Hour)
		}
		runs = append(runs, run)
	}
	return runs
}

func shown(runs []job.Inference) string {
	var ids []string
	for _, run := range runs {
		id := run.ID
		if run.Status == job.RunNotFound {
			id = "!" + id
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// Runs that no list shows are read a few at a time, and each now and then.
func TestUnlistedRunsAreReadNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := &listedAPI{began: time.Now()}
		client := api.client(t)
		var runs []provider.Run
		for i := range singleReads + 2 {
			runs = append(runs, provider.Run{ID: fmt.Sprintf("x%d", i), Made: api.began})
		}
		var reads []int
		for range 4 {
			told, err := client.Poll(t.Context(), runs)
			if err != nil {
				t.Fatal(err)
			}
			reads = append(reads, len(told))
			time.Sleep(singleTick/3 + time.Second)
		}
		if want := []int{singleReads, 2, 0, singleReads}; !slices.Equal(reads, want) {
			t.Errorf("polls told of %v runs, want %v", reads, want)
		}
	})
}

// A list of empty pages may go on behind them: what it does not show is not absent.
func TestEmptyPagesProveNothing(t *testing.T) {
	t.Parallel()
	for empty, complete := range map[int]bool{emptyPages: true, emptyPages + 1: false} {
		synctest.Test(t, func(t *testing.T) {
			api := &listedAPI{began: time.Now(), empty: empty}
			client := api.client(t)
			told, err := client.Poll(t.Context(), []provider.Run{{ID: "x"}, {ID: "y"}})
			if err != nil || len(told) > 0 != complete {
				t.Errorf("with %d empty pages: %v and %v", empty, told, err)
			}
			matches, err := client.Find(t.Context(), []provider.Attempt{{Request: testRequest, Sent: time.Now()}}, nil, nobodys)
			if err != nil || matches[0].Complete != complete {
				t.Errorf("with %d empty pages: %+v and %v", empty, matches, err)
			}
		})
	}
}
