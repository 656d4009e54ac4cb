package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

const faultyManifest = `
version: 1
name: night
model: model_bfl-flux-1-dev
prompt: "{thing} number {seed}"
defaults: {parameters: {width: 128, height: 128}}
items: [{id: potion, thing: a potion}]
axes: {product: {seed: ["1..40"]}}
output: "{id}/{seed}.png"
`

// unseededManifest is a batch on a model without seeds, where each job has a twin
// that differs in its output alone.
const unseededManifest = `
version: 1
name: night
model: model_openai-gpt-image-2
prompt: "a {thing}"
defaults: {parameters: {width: 1024, height: 1024, quality: low}}
items: [{id: sword, thing: sword}, {id: bow, thing: bow}, {id: axe, thing: axe}, {id: potion, thing: potion}]
axes: {product: {twin: [left, right]}}
output: "{id}-{twin}.png"
`

// loraManifest names a LoRA in the input that has the name under which the provider
// shows the model.
var loraManifest = strings.Replace(faultyManifest, "height: 128", "height: 128, modelId: model_sim-lora-inkwash", 1)

// TestFaults has the provider fail in one way after the other. Whatever it does,
// every job is paid once and every image stored whole.
func TestFaults(t *testing.T) {
	t.Parallel()
	rate := func(kind simulator.FaultKind, share float64) []simulator.Fault {
		return []simulator.Fault{{Kind: kind, Rate: share, Seed: 7}}
	}
	storm := []simulator.Fault{
		{Kind: simulator.FaultDropAfterAccept, Rate: 0.2, Seed: 1},
		{Kind: simulator.FaultErrorAfterAccept, Rate: 0.1, Seed: 2},
		{Kind: simulator.FaultErrorBeforeAccept, Rate: 0.1, Seed: 3},
		{Kind: simulator.FaultListError, Rate: 0.2, Seed: 4},
		{Kind: simulator.FaultTruncateDownload, Rate: 0.2, Seed: 5},
		{Kind: simulator.FaultExpireLink, Rate: 0.2, Seed: 6},
		{Kind: simulator.FaultRateLimit, Rate: 0.05, Seed: 7},
		{Kind: simulator.FaultFailGeneration, Next: 4},
	}
	tests := []struct {
		name     string
		faults   []simulator.Fault
		manifest string
	}{
		{"reply lost after acceptance", rate(simulator.FaultDropAfterAccept, 0.3), faultyManifest},
		{"error after acceptance", rate(simulator.FaultErrorAfterAccept, 0.3), faultyManifest},
		{"error before acceptance", rate(simulator.FaultErrorBeforeAccept, 0.3), faultyManifest},
		{"dropped before acceptance", rate(simulator.FaultDropBeforeAccept, 0.3), faultyManifest},
		{"reply lost, no seeds", rate(simulator.FaultDropAfterAccept, 0.5), unseededManifest},
		{"dropped before acceptance, no seeds", rate(simulator.FaultDropBeforeAccept, 0.5), unseededManifest},
		{"reply lost, LoRA as model", rate(simulator.FaultDropAfterAccept, 0.3), loraManifest},
		{"reply lost, list lags", append(rate(simulator.FaultDropAfterAccept, 0.3), simulator.Fault{Kind: simulator.FaultListLag, Rate: 1, Seed: 9, Seconds: 5}), faultyManifest},
		{"list never shows them", []simulator.Fault{{Kind: simulator.FaultListLag, Rate: 1, Seed: 9, Seconds: 1e6}}, faultyManifest},
		{"list fails", rate(simulator.FaultListError, 0.5), faultyManifest},
		{"asset reads fail", rate(simulator.FaultAssetError, 0.3), faultyManifest},
		{"downloads are cut", rate(simulator.FaultTruncateDownload, 0.4), faultyManifest},
		{"downloads are damaged", rate(simulator.FaultCorruptImage, 0.4), faultyManifest},
		{"downloads are web pages", rate(simulator.FaultHTMLDownload, 0.4), faultyManifest},
		{"downloads are slow", rate(simulator.FaultSlowDownload, 0.4), faultyManifest},
		{"links expire", rate(simulator.FaultExpireLink, 0.4), faultyManifest},
		{"other size", rate(simulator.FaultWrongSize, 0.5), faultyManifest},
		{"requests are refused for their rate", rate(simulator.FaultRateLimit, 0.2), faultyManifest},
		{"cooldown", []simulator.Fault{{Kind: simulator.FaultCooldown, Next: 1, Seconds: 600}}, faultyManifest},
		{"too many at once", rate(simulator.FaultParallelLimit, 0.2), faultyManifest},
		{"runs fail and are refunded", []simulator.Fault{{Kind: simulator.FaultFailGeneration, Next: 12}}, faultyManifest},
		{"all of it at once", storm, faultyManifest},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 15*time.Second), Seed: 1}, test.manifest)
				defer n.stop()
				if err := n.sim.SetFaults(test.faults...); err != nil {
					t.Fatal(err)
				}
				n.start(n.settings())
				n.await(4 * time.Hour)
				n.noneFailed()
				n.paidOnce()
				n.allStored()
			})
		})
	}
}

// TestRefusedContentFailsAlone has some runs stopped by moderation: they fail with
// the provider's words, are not bought again, and the others are made.
func TestRefusedContentFailsAlone(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]simulator.FaultKind{
		"refunded": simulator.FaultModeration, "charge kept": simulator.FaultModerationNoRefund,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNight(t, simulator.Options{Seed: 1}, faultyManifest)
				defer n.stop()
				if err := n.sim.SetFaults(simulator.Fault{Kind: kind, Next: 3}); err != nil {
					t.Fatal(err)
				}
				n.start(n.settings())
				n.await(time.Hour)
				failed := 0
				for result, err := range n.log.Failed(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					failed++
					if result.Reason == "" || result.Hint == "" || result.Attempts != 1 {
						t.Errorf("failure does not speak: %+v", result)
					}
					if kept := result.Refunded == 0; kept != (kind == simulator.FaultModerationNoRefund) {
						t.Errorf("billed %s, refunded %s", result.Billed, result.Refunded)
					}
				}
				if accepted := n.sim.Totals().Accepted; failed != 3 || accepted != n.plan.Jobs {
					t.Errorf("%d failed, %d accepted; want 3 and %d", failed, accepted, n.plan.Jobs)
				}
				if spent := n.spent(); spent != n.sim.Totals().Paid {
					t.Errorf("admission counts %s CU, the ledger %s", spent, n.sim.Totals().Paid)
				}
			})
		})
	}
}

// TestWindow runs a batch that is to start jobs at night only, from the evening on.
func TestWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(21*time.Hour + 50*time.Minute) // virtual; a bubble begins at midnight UTC
		n := newNight(t, simulator.Options{Seed: 1}, faultyManifest+"window: 22:00-06:00\n")
		defer n.stop()
		n.start(n.settings())
		time.Sleep(5 * time.Minute)
		if waits := n.workers[0].engine.runner.Waits(); waits.Reason != job.WaitWindow || waits.Until.Hour() != 22 {
			t.Errorf("five to ten it waits for %q until %s", waits.Reason, waits.Until)
		}
		n.await(3 * time.Hour)
		n.paidOnce()
		for _, entry := range n.sim.Ledger() {
			if hour := entry.Accepted.UTC().Hour(); hour != 22 {
				t.Errorf("a job was started at %s", entry.Accepted.UTC())
			}
		}
	})
}

// noneFailed tells why jobs failed that should not have.
func (n *night) noneFailed() {
	n.t.Helper()
	for result, err := range n.log.Failed(n.t.Context()) {
		n.t.Errorf("%s failed after %d attempts: %s (%v)", result.Row, result.Attempts, result.Reason, err)
	}
}

// spent is what admission counts for the batch once everything is settled.
func (n *night) spent() job.CU {
	n.t.Helper()
	gate := n.workers[0].gate
	usage, err := gate.admission.Usage(n.t.Context(), gate.candidate(gate.keys.find(environmentKey), time.Now()), n.manifest.Batch(), admission.Limits{})
	if err != nil {
		n.t.Fatal(err)
	}
	if usage.Batch.Reserved != 0 || usage.Team.Running != 0 {
		n.t.Errorf("after the last job %s CU are reserved and %d slots taken", usage.Batch.Reserved, usage.Team.Running)
	}
	return usage.Batch.Spent
}
