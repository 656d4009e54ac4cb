package scenario_test

import (
	"encoding/json"
	"errors"
	"image"
	_ "image/png"
	"io"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nightshift/internal/job"
	"nightshift/internal/provider/scenario"
	"nightshift/internal/simulator"
)

const model = "model_bfl-flux-1-dev"

var inputs = job.Inputs{
	"prompt": "a red potion", "width": json.Number("128"), "height": json.Number("144"),
	"seed": json.Number("7"), "numOutputs": json.Number("2"),
}

// bundle is a simulator on the loopback network and a client of it.
type bundle struct {
	sim    *simulator.Simulator
	client *scenario.Client
	url    string
}

func setup(t *testing.T) bundle {
	t.Helper()
	return setupWith(t, simulator.Options{})
}

// setupWith is a bundle whose jobs end at once, as fast as they are asked for.
func setupWith(t *testing.T, options simulator.Options) bundle {
	t.Helper()
	options.Latency, options.RequestsPerMinute, options.Seed = simulator.Between(0, 0), simulator.Unlimited, 1
	if len(options.Keys) == 0 {
		options.Keys = []simulator.Key{{Key: "sim", Secret: "sim"}}
	}
	sim, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return bundle{sim, connect(t, server.URL, "sim", "sim"), server.URL}
}

func connect(t *testing.T, url, key, secret string) *scenario.Client {
	t.Helper()
	client, err := scenario.New(scenario.Options{BaseURL: url, Key: key, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func (b bundle) inject(t *testing.T, kind simulator.FaultKind) {
	t.Helper()
	if err := b.sim.SetFaults(simulator.Fault{Kind: kind, Next: 1}); err != nil {
		t.Fatal(err)
	}
}

// An inference from its price to its images.
func TestWholeLifeOnTheSimulator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()

	record, err := b.client.Model(ctx, model)
	if err != nil {
		t.Fatal(err)
	}
	if record.Type != "custom" || record.Input("prompt") == nil || record.CountInput() == nil || record.Input("seed").Max == "" {
		t.Errorf("model without what a plan needs: %+v", record)
	}
	quote, err := b.client.Quote(ctx, job.Request{Model: model, Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	if entries := b.sim.Ledger(); len(entries) != 0 {
		t.Fatalf("the dry run was paid: %+v", entries)
	}
	accepted, err := b.client.Submit(ctx, time.Time{}, job.Request{Model: model, Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	run, err := b.client.Inference(ctx, accepted.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := &job.Inference{
		ID: accepted.ID, Model: model, ProviderKeyID: accepted.ProviderKeyID, Inputs: inputs, Status: job.RunSucceeded,
		Billed: quote.Total, BilledKnown: true,
	}
	if diff := cmp.Diff(want, run, cmpopts.IgnoreFields(job.Inference{}, "CreatedAt", "UpdatedAt", "AssetIDs")); diff != "" {
		t.Errorf("inference (-want +got):\n%s", diff)
	}
	runs, next, err := b.client.Inferences(ctx, "", scenario.MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]job.Inference{*run}, runs); diff != "" || next != "" {
		t.Errorf("list with next %q (-want +got):\n%s", next, diff)
	}

	assets, err := b.client.Assets(ctx, append([]string{"asset_missing"}, run.AssetIDs...))
	if err != nil {
		t.Fatal(err)
	}
	if len(assets) != 2 {
		t.Fatalf("%d assets, want 2", len(assets))
	}
	for i, asset := range assets {
		single, err := b.client.Asset(ctx, run.AssetIDs[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asset, single, cmpopts.IgnoreFields(job.Asset{}, "Link")); diff != "" {
			t.Errorf("asset %d, in bulk and alone:\n%s", i, diff)
		}
		download(t, b.client, asset)
		download(t, b.client, single)
	}
}

// download checks that the link opens without the API key and gives the image.
func download(t *testing.T, client *scenario.Client, asset job.Asset) {
	t.Helper()
	body, length, err := client.Download(t.Context(), asset.Link)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	config, _, err := image.DecodeConfig(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		t.Error(err)
	}
	if length != asset.Size || config.Width != 128 || config.Height != 144 {
		t.Errorf("%d bytes of %d, %d×%d pixels", length, asset.Size, config.Width, config.Height)
	}
}

// Whatever happens to the answer, the ledger holds what the error says: nothing,
// or at most one.
func TestSubmitFaultsOnTheSimulator(t *testing.T) {
	t.Parallel()
	for kind, test := range map[simulator.FaultKind]struct {
		paid    int
		unknown bool
		limit   *job.LimitError
		access  *job.AccessError
	}{
		simulator.FaultDropAfterAccept:   {paid: 1, unknown: true},
		simulator.FaultErrorAfterAccept:  {paid: 1, unknown: true},
		simulator.FaultDropBeforeAccept:  {unknown: true},
		simulator.FaultErrorBeforeAccept: {unknown: true},
		simulator.FaultParallelLimit:     {limit: &job.LimitError{Limit: job.LimitParallel, Action: "parallel-custom-jobs", Ceiling: 1}},
		simulator.FaultAllowance:         {limit: &job.LimitError{Limit: job.LimitAllowance, Action: "custom-generation"}},
		simulator.FaultCooldown:          {limit: &job.LimitError{Limit: job.LimitCooldown, After: 2700 * time.Second}},
		simulator.FaultRateLimit:         {limit: &job.LimitError{Limit: job.LimitRate}},
		simulator.FaultUnauthorized:      {access: &job.AccessError{Access: job.AccessKey}},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.inject(t, kind)
			_, err := b.client.Submit(t.Context(), time.Time{}, job.Request{Model: model, Inputs: inputs})
			_, unknown := errors.AsType[*job.UnknownOutcomeError](err)
			limit, _ := errors.AsType[*job.LimitError](err)
			access, _ := errors.AsType[*job.AccessError](err)
			if err == nil || unknown != test.unknown {
				t.Errorf("got %v, want unknown: %t", err, test.unknown)
			}
			if diff := cmp.Diff(test.limit, limit, cmpopts.IgnoreFields(job.LimitError{}, "Detail", "Scope")); diff != "" {
				t.Errorf("limit (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.access, access, cmpopts.IgnoreFields(job.AccessError{}, "Detail")); diff != "" {
				t.Errorf("access (-want +got):\n%s", diff)
			}
			runs, _, err := b.client.Inferences(t.Context(), "", scenario.MaxPage)
			if err != nil {
				t.Fatal(err)
			}
			if paid := len(b.sim.Ledger()); paid != test.paid || len(runs) != test.paid {
				t.Errorf("%d paid, %d listed, want %d", paid, len(runs), test.paid)
			}
		})
	}
}

func TestRefusalsOnTheSimulator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, badErr := b.client.Submit(t.Context(), time.Time{}, job.Request{Model: model, Inputs: job.Inputs{"width": json.Number("128")}})
	_, noModelErr := b.client.Quote(t.Context(), job.Request{Model: "model_missing", Inputs: inputs})
	_, noRunErr := b.client.Inference(t.Context(), "job_missing")
	_, noAssetErr := b.client.Asset(t.Context(), "asset_missing")
	_, keyErr := connect(t, b.url, "sim", "wrong").Model(t.Context(), model)
	if !errors.Is(badErr, job.ErrInvalid) || !errors.Is(noModelErr, job.ErrInvalid) {
		t.Errorf("bad request: %v, unknown model: %v; want invalid", badErr, noModelErr)
	}
	if !errors.Is(noRunErr, job.ErrNotFound) || !errors.Is(noAssetErr, job.ErrNotFound) {
		t.Errorf("inference: %v, asset: %v; want not found", noRunErr, noAssetErr)
	}
	if access, ok := errors.AsType[*job.AccessError](keyErr); !ok || access.Access != job.AccessKey {
		t.Errorf("wrong secret: %v", keyErr)
	}
}

func TestModerationOnTheSimulator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.inject(t, simulator.FaultModerationNoRefund)
	accepted, err := b.client.Submit(t.Context(), time.Time{}, job.Request{Model: model, Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	run, err := b.client.Inference(t.Context(), accepted.ID)
	if err != nil {
		t.Fatal(err)
	}
	if run.Status != job.RunFailed || run.Failure == "" || run.Hint == "" || !run.RefundDisabled || !run.BilledKnown {
		t.Errorf("got %+v", run)
	}
}

func TestLinkFaultsOnTheSimulator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	accepted, err := b.client.Submit(t.Context(), time.Time{}, job.Request{Model: model, Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	run, err := b.client.Inference(t.Context(), accepted.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.inject(t, simulator.FaultExpireLink)
	expired, err := b.client.Asset(t.Context(), run.AssetIDs[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.client.Download(t.Context(), expired.Link); !errors.Is(err, job.ErrGone) {
		t.Errorf("expired link: %v, want gone", err)
	}
	fresh, err := b.client.Asset(t.Context(), run.AssetIDs[0])
	if err != nil {
		t.Fatal(err)
	}
	b.inject(t, simulator.FaultTruncateDownload)
	body, _, err := b.client.Download(t.Context(), fresh.Link)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if n, err := io.Copy(io.Discard, body); !errors.Is(err, io.ErrUnexpectedEOF) || n >= fresh.Size {
		t.Errorf("%d of %d bytes, %v; want them cut", n, fresh.Size, err)
	}
	download(t, b.client, fresh)
}

// TestKeyAlone: an API that takes the key alone gets it with an empty password.
func TestKeyAlone(t *testing.T) {
	t.Parallel()
	b := setupWith(t, simulator.Options{Keys: []simulator.Key{{Key: "bare"}, {Key: "full", Secret: "s"}}})
	client := connect(t, b.url, "bare", "")
	if _, err := client.Submit(t.Context(), time.Time{}, job.Request{Model: model, Inputs: inputs}); err != nil {
		t.Error(err)
	}
	if entries := b.sim.Ledger(); len(entries) != 1 || entries[0].Key != "bare" {
		t.Errorf("the ledger has %+v", entries)
	}
	for key, secret := range map[string]string{"bare": "s", "full": ""} {
		_, err := connect(t, b.url, key, secret).Model(t.Context(), model)
		if access, ok := errors.AsType[*job.AccessError](err); !ok || access.Access != job.AccessKey {
			t.Errorf("%s with %q: %v, want the key refused", key, secret, err)
		}
	}
}

// TestUsagesOnTheSimulator: what the account says is what the ledger says.
func TestUsagesOnTheSimulator(t *testing.T) {
	t.Parallel()
	const skew = 2 * time.Hour
	b := setupWith(t, simulator.Options{ClockSkew: skew, Keys: []simulator.Key{
		{Key: "night", Secret: "s", Project: "proj_a"}, {Key: "day", Secret: "s", Project: "proj_a"},
		{Key: "blind", Secret: "s", Scopes: []string{"jobs.read"}},
	}})
	night, day := connect(t, b.url, "night", "s"), connect(t, b.url, "day", "s")
	if err := b.sim.SetFaults(
		simulator.Fault{Kind: simulator.FaultFailGeneration, Next: 2},
		simulator.Fault{Kind: simulator.FaultPriceDrift, Next: 5, Percent: 1},
	); err != nil {
		t.Fatal(err)
	}
	for i := range 150 {
		client := night
		if i%3 == 0 {
			client = day
		}
		if _, err := client.Submit(t.Context(), time.Time{}, job.Request{Model: model, Inputs: inputs}); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().Add(skew)
	usages, err := night.Usages(t.Context(), now.Add(-24*time.Hour), now.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string][2]job.CU{}, map[string][2]job.CU{}
	for _, entry := range b.sim.Ledger() {
		sum := want[entry.Author]
		want[entry.Author] = [2]job.CU{sum[0] + entry.Charge, sum[1] + entry.Refund}
	}
	for _, day := range usages.Days {
		sum := got[day.Author]
		got[day.Author] = [2]job.CU{sum[0] + day.Charged, sum[1] + day.Refunded}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("charged and refunded by author (-ledger +usages):\n%s", diff)
	}
	if age := now.Sub(usages.Newest); age < -time.Second || age > time.Minute {
		t.Errorf("the newest entry is %s old", age)
	}
	_, err = connect(t, b.url, "blind", "s").Usages(t.Context(), now.Add(-time.Hour), now)
	if access, ok := errors.AsType[*job.AccessError](err); !ok || access.Access != job.AccessScope {
		t.Errorf("without the scope: %v, want an access error", err)
	}
}

// TestClockOnTheSimulator: the offset holds the truth over the network and within
// a bubble, and createdAt is not before what it allows.
func TestClockOnTheSimulator(t *testing.T) {
	t.Parallel()
	const skew = -90 * time.Second
	b := setupWith(t, simulator.Options{ClockSkew: skew})
	checkClock(t, b.client, skew)
	synctest.Test(t, func(t *testing.T) {
		sim, err := simulator.New(simulator.Options{ClockSkew: skew})
		if err != nil {
			t.Fatal(err)
		}
		client, err := scenario.New(scenario.Options{
			BaseURL: "http://sim", Key: "sim", Secret: "sim", Transport: simulator.Transport(sim),
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			checkClock(t, client, skew)
			time.Sleep(7100 * time.Millisecond)
		}
		if _, uncertainty := client.ClockOffset(); uncertainty > 400*time.Millisecond {
			t.Errorf("± %s after ten replies", uncertainty)
		}
	})
}

func checkClock(t *testing.T, client *scenario.Client, skew time.Duration) {
	t.Helper()
	sent := time.Now()
	run, err := client.Submit(t.Context(), time.Time{}, job.Request{Model: model, Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	offset, uncertainty := client.ClockOffset()
	if (offset - skew).Abs() > uncertainty {
		t.Errorf("offset %s ± %s does not hold the true %s", offset, uncertainty, skew)
	}
	if earliest := sent.Add(offset - uncertainty); run.CreatedAt.Before(earliest) {
		t.Errorf("created at %s, thought to be after %s", run.CreatedAt, earliest)
	}
}
