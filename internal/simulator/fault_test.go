package simulator_test

import (
	"bytes"
	"errors"
	"image"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// TestLostReplies: the ledger tells what a client cannot: whether a job runs.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	for kind, accepted := range map[simulator.FaultKind]int{
		simulator.FaultDropBeforeAccept: 0, simulator.FaultErrorBeforeAccept: 0,
		simulator.FaultDropAfterAccept: 1, simulator.FaultErrorAfterAccept: 1,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t, simulator.Options{Latency: instant})
			b.faults(simulator.Fault{Kind: kind, Next: 1})
			b.must("POST", fluxPath+"?dryRun=true", small) // not a paid call, so not befallen
			got, err := b.send("POST", fluxPath, small)
			if err == nil && got.status != 500 {
				t.Errorf("answered %d", got.status)
			}
			if dropped := strings.HasPrefix(string(kind), "drop"); dropped != errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %v", err)
			}
			entries := b.sim.Ledger()
			if len(entries) != accepted {
				t.Fatalf("%d jobs accepted, want %d", len(entries), accepted)
			}
			for _, entry := range entries {
				if entry.LostReply != kind || entry.Status != "success" {
					t.Errorf("ledger shows %+v", entry)
				}
			}
			if rows, _ := b.page(""); len(rows) != accepted {
				t.Errorf("the list shows %d jobs, want %d", len(rows), accepted)
			}
			b.generate("after the fault")
		})
	}
}

func TestLimitFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: instant})
		b.generate("paid")
		for kind, want := range map[simulator.FaultKind]reply{
			simulator.FaultRateLimit:     {429, map[string]any{"message": "Too Many Requests"}},
			simulator.FaultUnauthorized:  {401, map[string]any{"message": "Unauthorized"}},
			simulator.FaultParallelLimit: {429, planLimit("parallel-custom-jobs", "team", 1, 1)},
			simulator.FaultAllowance:     {429, planLimit("custom-generation", "team", 10.75, 10.75)},
		} {
			b.faults(simulator.Fault{Kind: kind, Next: 1})
			if diff := cmp.Diff(want, b.must("POST", fluxPath, small), cmp.AllowUnexported(reply{})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", kind, diff)
			}
		}
		cooling := func(seconds float64, text string) reply {
			return reply{429, map[string]any{
				"name": "RateLimitError", "remainingSeconds": seconds, "cooldownSeconds": 2700.0,
				"reason": "Too many launches, please wait " + text + " seconds before trying again.",
			}}
		}
		b.faults(simulator.Fault{Kind: simulator.FaultCooldown, Next: 1})
		first := b.must("POST", fluxPath, small)
		time.Sleep(379 * time.Second)
		later := b.must("POST", fluxPath, small)
		want := []reply{cooling(2700, "2700"), cooling(2321, "2321")}
		if diff := cmp.Diff(want, []reply{first, later}, cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("cooldown (-want +got):\n%s", diff)
		}
		time.Sleep(2321 * time.Second)
		b.generate("after the cooldown")
	})
}

// TestLimitsUseUpNoFaults: what a limit refuses was never befallen, so the next call
// that passes is, and no other.
func TestLimitsUseUpNoFaults(t *testing.T) {
	t.Parallel()
	for _, kind := range []simulator.FaultKind{
		simulator.FaultErrorBeforeAccept, simulator.FaultDropBeforeAccept, simulator.FaultErrorAfterAccept,
		simulator.FaultDropAfterAccept, simulator.FaultCooldown, simulator.FaultParallelLimit, simulator.FaultAllowance,
		simulator.FaultFailGeneration, simulator.FaultPriceDrift, simulator.FaultListLag,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, simulator.Options{Parallel: 1, Latency: fixed(10 * time.Second)})
				b.generate("takes the only slot")
				b.faults(simulator.Fault{Kind: kind, Next: 1})
				want := reply{429, planLimit("parallel-custom-jobs", "team", 1, 1)}
				for range 2 {
					if diff := cmp.Diff(want, b.must("POST", fluxPath, small), cmp.AllowUnexported(reply{})); diff != "" {
						t.Errorf("at the ceiling (-want +got):\n%s", diff)
					}
				}
				if left := b.sim.Faults()[0].Next; left != 1 {
					t.Errorf("%d calls to befall are left after two refusals, want 1", left)
				}
				time.Sleep(10 * time.Second)
				_, _ = b.send("POST", fluxPath, small) // the ledger and the count tell what became of it
				if left := b.sim.Faults()[0].Next; left != 0 {
					t.Errorf("%d calls to befall are left after one that passes", left)
				}
			})
		})
	}
}

// TestNextBefallsSoMany: however many calls race for the slots, "next" takes the
// answers of so many accepted ones.
func TestNextBefallsSoMany(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Parallel: 8, RequestsPerMinute: simulator.Unlimited, Latency: fixed(time.Hour)})
	b.faults(simulator.Fault{Kind: simulator.FaultDropAfterAccept, Next: 3})
	var calls sync.WaitGroup
	for range 40 {
		calls.Go(func() { _, _ = b.send("POST", fluxPath, small) })
	}
	calls.Wait()
	lost := 0
	for _, entry := range b.sim.Ledger() {
		if entry.LostReply == simulator.FaultDropAfterAccept {
			lost++
		}
	}
	if accepted := b.sim.Totals().Accepted; lost != 3 || accepted != 8 {
		t.Errorf("%d answers of %d accepted jobs were lost, want 3 of 8", lost, accepted)
	}
}

func TestReadFaults(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	id := b.generate("a")
	for kind, path := range map[simulator.FaultKind]string{
		simulator.FaultListError: "/v1/jobs", simulator.FaultJobError: "/v1/jobs/" + id,
		simulator.FaultAssetError: "/v1/assets/" + b.assets(id)[0],
	} {
		b.faults(simulator.Fault{Kind: kind, Next: 1})
		if first, second := b.get(path), b.get(path); first.status != 500 || second.status != 200 {
			t.Errorf("%s: answered %d, then %d", kind, first.status, second.status)
		}
	}
}

func TestListLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: instant})
		b.faults(simulator.Fault{Kind: simulator.FaultListLag, Next: 1, Seconds: 30})
		id := b.generate("slow to show")
		if rows, _ := b.page(""); len(rows) != 0 {
			t.Errorf("the list shows %v at once", rows)
		}
		if b.job(id)["status"] != "success" {
			t.Error("the job itself is not there")
		}
		time.Sleep(30 * time.Second)
		if rows, _ := b.page(""); len(rows) != 1 {
			t.Errorf("the list shows %v after the lag", rows)
		}
	})
}

// TestHiddenPrompt: an asset id stands for the prompt wherever the job is shown,
// and the ledger has the text.
func TestHiddenPrompt(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant, LongPrompt: simulator.Unlimited})
	b.faults(simulator.Fault{Kind: simulator.FaultHidePrompt, Next: 1})
	hidden := b.generate("a coin")
	open := b.generate("a coin")
	rows, _ := b.page("")
	shown, ok := at(b.job(hidden), "metadata", "input", "prompt").(string)
	if !ok || !strings.HasPrefix(shown, "asset_") || rows[1] != shown {
		t.Errorf("the job shows %q, the list %q", shown, rows)
	}
	if shown := at(b.job(open), "metadata", "input", "prompt"); shown != "a coin" || rows[0] != "a coin" {
		t.Errorf("the next job shows %q, the list %q", shown, rows)
	}
	if paid := b.sim.Ledger()[0].Input["prompt"]; paid != "a coin" {
		t.Errorf("the ledger has the prompt %q", paid)
	}
}

// TestPriceDrift: what is billed and charged goes beyond the quote by so much.
func TestPriceDrift(t *testing.T) {
	t.Parallel()
	for percent, want := range map[int]job.CU{0: 13000, 1: 10840, 25: 13000, 100: 19750} {
		b := setup(t, simulator.Options{Latency: instant})
		b.faults(simulator.Fault{Kind: simulator.FaultPriceDrift, Next: 1, Percent: percent})
		b.generate("dearer")
		b.generate("as quoted")
		entries := b.sim.Ledger()
		got := []job.CU{entries[0].Quoted, entries[0].Charge, entries[1].Charge}
		if diff := cmp.Diff([]job.CU{10750, want, 10750}, got); diff != "" {
			t.Errorf("%d percent: quote, charge, next charge (-want +got):\n%s", percent, diff)
		}
	}
}

// TestDownloadFaults: each befalls one download, and the next is whole.
func TestDownloadFaults(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"png", "jpeg", "webp"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, simulator.Options{Latency: instant})
				got := b.must("POST", "/v1/generate/custom/model_sim-panorama", encode(map[string]any{"prompt": "a city", "outputFormat": format}))
				link := b.asset(b.assets(at(got.body, "job", "jobId").(string))[0])["url"].(string)
				_, kind, whole, err := b.download(link)
				if err != nil {
					t.Fatal(err)
				}

				b.faults(simulator.Fault{Kind: simulator.FaultTruncateDownload, Next: 1})
				if _, _, half, err := b.download(link); !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Equal(half, whole[:len(whole)/2]) {
					t.Errorf("truncated: %d of %d bytes, %v", len(half), len(whole), err)
				}

				b.faults(simulator.Fault{Kind: simulator.FaultCorruptImage, Next: 1})
				_, _, damaged, err := b.download(link)
				if err != nil || len(damaged) != len(whole) || differing(damaged, whole) != 1 {
					t.Errorf("corrupt: %d bytes differ, %v", differing(damaged, whole), err)
				}
				if _, _, err := image.Decode(bytes.NewReader(damaged)); err == nil {
					t.Error("corrupt: the decoder did not notice")
				}

				b.faults(simulator.Fault{Kind: simulator.FaultHTMLDownload, Next: 1})
				if status, kind, page, err := b.download(link); status != 200 || !strings.HasPrefix(kind, "text/html") || !strings.HasPrefix(string(page), "<!doctype html>") {
					t.Errorf("page: answered %d %s %q, %v", status, kind, page, err)
				}

				b.faults(simulator.Fault{Kind: simulator.FaultSlowDownload, Next: 1, Seconds: 40})
				began := time.Now()
				_, _, slow, err := b.download(link)
				if took := time.Since(began); err != nil || !bytes.Equal(slow, whole) || took < 38*time.Second || took > 40*time.Second {
					t.Errorf("slow: took %s, %v", took, err)
				}

				if _, again, data, err := b.download(link); err != nil || again != kind || !bytes.Equal(data, whole) {
					t.Errorf("after the faults: %s, %d bytes, %v", again, len(data), err)
				}
			})
		})
	}
}

func differing(a, b []byte) (count int) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			count++
		}
	}
	return count
}

func TestWrongImages(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	b.faults(simulator.Fault{Kind: simulator.FaultWrongSize, Next: 1}, simulator.Fault{Kind: simulator.FaultWrongFormat, Next: 1})
	asset := b.asset(b.assets(b.generate("a"))[0])
	_, kind, data, err := b.download(asset["url"].(string))
	if err != nil {
		t.Fatal(err)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	want := []any{"image/png", "image/png", "jpeg", 160, 160}
	if diff := cmp.Diff(want, []any{asset["mimeType"], kind, format, config.Width, config.Height}); diff != "" {
		t.Errorf("announced, header, format, size (-want +got):\n%s", diff)
	}
}

func TestExpiredLink(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	id := b.assets(b.generate("a"))[0]
	b.faults(simulator.Fault{Kind: simulator.FaultExpireLink, Next: 1})
	stale, fresh := b.asset(id)["url"].(string), b.asset(id)["url"].(string)
	first, _, _, err := b.download(stale)
	if err != nil {
		t.Fatal(err)
	}
	second, _, _, err := b.download(fresh)
	if first != 403 || second != 200 || err != nil {
		t.Errorf("answered %d and %d, %v, want 403 and 200", first, second, err)
	}
}

// TestFaultRates: a rate draws from its seed, so equal seeds fail alike.
func TestFaultRates(t *testing.T) {
	t.Parallel()
	night := func(seed uint64) (failed []int) {
		b := setup(t, simulator.Options{RequestsPerMinute: simulator.Unlimited})
		b.faults(simulator.Fault{Kind: simulator.FaultListError, Rate: 0.3, Seed: seed})
		for i := range 400 {
			if b.get("/v1/jobs").status == 500 {
				failed = append(failed, i)
			}
		}
		return failed
	}
	one, same, other := night(1), night(1), night(2)
	if len(one) < 90 || len(one) > 150 {
		t.Errorf("a rate of 0.3 failed %d of 400 calls", len(one))
	}
	if diff := cmp.Diff(one, same); diff != "" {
		t.Errorf("equal seeds fail differently:\n%s", diff)
	}
	if cmp.Equal(one, other) {
		t.Error("another seed fails alike")
	}
}

// TestFaultsByRequest sets, shows and clears faults over the control routes.
func TestFaultsByRequest(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{})
	set := b.must("POST", "/_sim/faults", `{"faults":[{"kind":"list-error","next":2},{"kind":"cooldown","rate":0.5,"seed":3}]}`)
	want := map[string]any{"faults": []any{
		map[string]any{"kind": "list-error", "next": 2.0},
		map[string]any{"kind": "cooldown", "rate": 0.5, "seed": 3.0, "seconds": 2700.0},
	}}
	if diff := cmp.Diff(reply{200, want}, set, cmp.AllowUnexported(reply{})); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
	for body, complaint := range map[string]string{
		`{"faults":[{"kind":"nope","next":1}]}`:                                  `fault kind "nope" is not known: want one of unauthorized, `,
		`{"faults":[{"kind":"cooldown","rate":1.5}]}`:                            "rate 1.5 is not between 0 and 1",
		`{"faults":[{"kind":"cooldown"}]}`:                                       "never happens: give rate, next or both",
		`{"faults":[{"kind":"cooldown","next":-1}]}`:                             "next -1 is negative",
		`{"faults":[{"kind":"moderation","next":1,"seconds":3}]}`:                "takes no seconds",
		`{"faults":[{"kind":"cooldown","next":1,"seconds":-3}]}`:                 "seconds -3 is not between",
		`{"faults":[{"kind":"cooldown","next":1},{"kind":"cooldown","next":1}]}`: "is given twice",
		`{"faults":[{"kind":"moderation","next":1,"percent":3}]}`:                "takes no percent",
		`{"faults":[{"kind":"price-drift","next":1,"percent":-3}]}`:              "percent -3 is not between",
		`{"faults":[{"kind":"price-drift","next":1,"url":"http://a"}]}`:          "takes no url",
		`{"faults":[{"kind":"cooldown","odds":1}]}`:                              `unknown field "odds"`,
		`[]`: "Want {",
	} {
		got := b.must("POST", "/_sim/faults", body)
		if text, _ := got.body["reason"].(string); got.status != 400 || !strings.Contains(text, complaint) {
			t.Errorf("%s: answered %d %v, want %q", body, got.status, got.body, complaint)
		}
	}
	b.get("/v1/jobs")
	want["faults"].([]any)[0].(map[string]any)["next"] = 1.0
	if diff := cmp.Diff(want, b.get("/_sim/faults").body); diff != "" {
		t.Errorf("bad requests changed the faults, or next was not counted down (-want +got):\n%s", diff)
	}
	if got := b.must("DELETE", "/_sim/faults", ""); len(got.body["faults"].([]any)) != 0 {
		t.Errorf("after clearing: %v", got.body)
	}
}

// TestPageDescribesEverything holds docs/simulator.md against the code.
func TestPageDescribesEverything(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, kind := range simulator.FaultKinds() {
		names = append(names, string(kind))
	}
	names = append(names, simulator.Scopes()...)
	names = append(names, simulator.Plans()...)
	for _, name := range names {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/simulator.md does not mention `%s`", name)
		}
	}
	var help bytes.Buffer
	simulator.Main(t.Context(), []string{"-help"}, io.Discard, &help)
	for line := range strings.Lines(help.String()) {
		if flag, isFlag := strings.CutPrefix(line, "  -"); isFlag {
			name := strings.Fields(flag)[0]
			if !strings.Contains(string(page), "`-"+name) {
				t.Errorf("docs/simulator.md does not mention the flag -%s", name)
			}
		}
	}
}
