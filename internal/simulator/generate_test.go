package simulator_test

import (
	"bytes"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "golang.org/x/image/webp"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// TestDryRunInTheBodyIsPaid: only the query parameter makes a dry run.
func TestDryRunInTheBodyIsPaid(t *testing.T) {
	t.Parallel()
	b := setup(t, simulator.Options{Latency: instant})
	got := b.must("POST", fluxPath, `{"prompt":"a coin","dryRun":true,"numOutputs":2}`)
	if got.status != 200 || at(got.body, "job", "jobId") == nil {
		t.Fatalf("answered %d %v, want a job", got.status, got.body)
	}
	totals := b.sim.Totals()
	if totals.Accepted != 1 || totals.Charged != 21500 || totals.Images != 2 {
		t.Errorf("totals %+v, want one job of 21.5 CU with two images", totals)
	}
}

// TestLifeOfAJob follows one job through its statuses in virtual time.
func TestLifeOfAJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, simulator.Options{Latency: fixed(20 * time.Second), Seed: 1})
		got := b.must("POST", fluxPath, `{"prompt":"a coin","width":128,"height":128,"seed":5,"sparkle":1.50}`)
		first := got.body["job"].(map[string]any)
		if first["status"] != "pending" || first["billing"] != nil || at(first, "metadata", "assetIds") != nil {
			t.Errorf("a new job is %v", first)
		}
		id := first["jobId"].(string)
		var seen []any
		for _, wait := range []time.Duration{0, 200 * time.Millisecond, time.Second, 18 * time.Second, time.Second} {
			time.Sleep(wait)
			seen = append(seen, b.job(id)["status"])
		}
		if diff := cmp.Diff([]any{"pending", "queued", "in-progress", "finalizing", "success"}, seen); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		ended := b.job(id)
		delete(ended["metadata"].(map[string]any), "assetIds")
		want := map[string]any{
			"jobId": id, "jobType": "custom", "status": "success", "progress": 1.0,
			"ownerId": "proj_sim", "authorId": "apiu_sim",
			"createdAt": "2000-01-01T00:00:00.000Z", "updatedAt": "2000-01-01T00:00:20.000Z",
			"billing": map[string]any{"cuCost": 9.0, "cuDiscount": 0.0, "cuCostDetails": map[string]any{"quality-gate": 1.75}},
			"metadata": map[string]any{"input": map[string]any{
				"modelId": "model_bfl-flux-1-dev", "prompt": "a coin", "width": 128.0, "height": 128.0, "seed": 5.0, "sparkle": 1.5,
			}},
			"statusHistory": []any{
				map[string]any{"status": "pending", "date": "2000-01-01T00:00:00.000Z"},
				map[string]any{"status": "queued", "date": "2000-01-01T00:00:00.134Z"},
				map[string]any{"status": "in-progress", "date": "2000-01-01T00:00:00.768Z"},
				map[string]any{"status": "finalizing", "date": "2000-01-01T00:00:19.200Z"},
				map[string]any{"status": "success", "date": "2000-01-01T00:00:20.000Z"},
			},
		}
		if diff := cmp.Diff(want, ended); diff != "" {
			t.Errorf("finished job (-want +got):\n%s", diff)
		}
	})
}

// TestFailures: a failed job keeps its cuCost and loses its add-on; the ledger
// knows whether the money came back.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault         []simulator.Fault
		model, body   string
		status        string
		charge, back  job.CU
		gate          any
		disableRefund any
	}{
		"failure": {
			[]simulator.Fault{{Kind: simulator.FaultFailGeneration, Next: 1}}, "model_bfl-flux-1-dev", `{"prompt":"a"}`,
			"failure", 10750, 10750, 0.0, nil,
		},
		"cancelled by the provider": {
			[]simulator.Fault{{Kind: simulator.FaultCancelGeneration, Next: 1}}, "model_bfl-flux-1-dev", `{"prompt":"a"}`,
			"canceled", 10750, 10750, 0.0, nil,
		},
		"moderation": {
			[]simulator.Fault{{Kind: simulator.FaultModeration, Next: 1}}, "model_bfl-flux-1-dev", `{"prompt":"a"}`,
			"failure", 10750, 10750, 0.0, nil,
		},
		"moderation without refund": {
			[]simulator.Fault{{Kind: simulator.FaultModerationNoRefund, Next: 1}}, "model_bfl-flux-1-dev", `{"prompt":"a"}`,
			"failure", 10750, 0, 1.75, true,
		},
		"too few pixels": {
			nil, "model_openai-gpt-image-2", `{"prompt":"a","width":512,"height":512}`, "failure", 11000, 11000, nil, nil,
		},
		"enough pixels": {
			nil, "model_openai-gpt-image-2", `{"prompt":"a","width":1024,"height":640}`, "success", 11000, 0, nil, nil,
		},
		"word that a strict model refuses": {
			nil, "model_sim-strict", `{"prompt":"a Gun on a table"}`, "failure", 7500, 0, 0.5, true,
		},
		"dearer than quoted": {
			[]simulator.Fault{{Kind: simulator.FaultPriceDrift, Next: 1}}, "model_bfl-flux-1-dev", `{"prompt":"a"}`,
			"success", 13000, 0, 1.75, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, simulator.Options{Latency: instant})
			b.faults(test.fault...)
			got := b.must("POST", "/v1/generate/custom/"+test.model, test.body)
			ended := b.job(at(got.body, "job", "jobId").(string))
			entry := b.sim.Ledger()[0]
			want := []any{test.status, test.charge, test.back, test.gate, test.disableRefund, test.status != "success"}
			have := []any{
				ended["status"], entry.Charge, entry.Refund, at(ended, "billing", "cuCostDetails", "quality-gate"),
				at(ended, "billing", "disableRefund"), at(ended, "metadata", "error") != nil && at(ended, "metadata", "hint") != nil,
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("status, charge, refund, gate, disableRefund, explained (-want +got):\n%s", diff)
			}
		})
	}
}

// TestImages downloads what models make and looks at the bytes.
func TestImages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		model, body   string
		images        int
		format        string
		width, height int
	}{
		"asked size":       {"model_bfl-flux-1-dev", `{"prompt":"a red sword","width":256,"height":192,"seed":1}`, 1, "png", 256, 192},
		"default size":     {"model_bfl-flux-1-dev", `{"prompt":"a red sword","seed":1}`, 1, "png", 1104, 832},
		"four by default":  {"model_sim-quartet", `{"prompt":"a robot","width":96,"height":96}`, 4, "jpeg", 96, 96},
		"aspect ratio":     {"model_sim-panorama", `{"prompt":"a city","aspectRatio":"16:9","outputFormat":"png"}`, 1, "png", 1184, 672},
		"webp by default":  {"model_sim-panorama", `{"prompt":"a city","aspectRatio":"1:1"}`, 1, "webp", 880, 880},
		"ignored unknowns": {"model_sim-panorama", `{"prompt":"a","aspectRatio":"1:1","width":64,"outputFormat":"jpeg"}`, 1, "jpeg", 880, 880},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, simulator.Options{Latency: instant})
			got := b.must("POST", "/v1/generate/custom/"+test.model, test.body)
			ids := b.assets(at(got.body, "job", "jobId").(string))
			if len(ids) != test.images {
				t.Fatalf("made %d images, want %d", len(ids), test.images)
			}
			asset := b.asset(ids[len(ids)-1])
			status, kind, data, err := b.download(asset["url"].(string))
			if status != 200 || err != nil {
				t.Fatalf("download answered %d, %v", status, err)
			}
			picture, format, err := image.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			want := []any{test.format, test.width, test.height, float64(len(data)), "image/" + test.format, "image/" + test.format}
			have := []any{format, picture.Bounds().Dx(), picture.Bounds().Dy(), at(asset, "properties", "size"), kind, asset["mimeType"]}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("format, size, bytes, types (-want +got):\n%s", diff)
			}
		})
	}
}

// TestImagesAreTheSameEverywhere: equal requests with equal seeds give equal bytes
// on two simulators, and another seed gives others.
func TestImagesAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64, body string) []byte {
		b := setup(t, simulator.Options{Latency: instant, Seed: seed})
		got := b.must("POST", fluxPath, body)
		asset := b.asset(b.assets(at(got.body, "job", "jobId").(string))[0])
		_, _, data, err := b.download(asset["url"].(string))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	const five, six = `{"prompt":"a key","width":128,"height":128,"seed":5}`, `{"prompt":"a key","width":128,"height":128,"seed":6}`
	if !bytes.Equal(draw(1, five), draw(2, five)) {
		t.Error("equal requests gave different images")
	}
	if bytes.Equal(draw(1, five), draw(1, six)) {
		t.Error("different seeds gave one image")
	}
}

// TestSeedFixesTheRun: with equal seeds two simulators give equal ids and times.
func TestSeedFixesTheRun(t *testing.T) {
	t.Parallel()
	night := func(seed uint64) (jobs []string, ended []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t, simulator.Options{Seed: seed})
			start := time.Now()
			for range 5 {
				jobs = append(jobs, b.generate("a coin"))
			}
			time.Sleep(time.Minute)
			for _, entry := range b.sim.Ledger() {
				ended = append(ended, entry.Ended.Sub(start))
			}
		})
		return jobs, ended
	}
	firstJobs, firstEnds := night(42)
	sameJobs, sameEnds := night(42)
	otherJobs, _ := night(43)
	if diff := cmp.Diff(firstJobs, sameJobs); diff != "" {
		t.Errorf("job ids differ:\n%s", diff)
	}
	if diff := cmp.Diff(firstEnds, sameEnds); diff != "" {
		t.Errorf("ends differ:\n%s", diff)
	}
	if cmp.Equal(firstJobs, otherJobs) {
		t.Error("another seed gave the same ids")
	}
}
