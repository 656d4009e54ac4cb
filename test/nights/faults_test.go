package nights

import (
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// lora names a LoRA in the input that has the name under which the provider shows
// the model.
const lora = `
version: 1
name: night
model: model_bfl-flux-1-dev
prompt: "potion number {seed}"
defaults: {parameters: {width: 128, height: 128, modelId: model_sim-lora-inkwash}}
items: [{id: potion}]
axes: {product: {seed: ["1..20"]}}
output: "{id}/{seed}.png"
`

// TestFaults has the provider fail in one way after the other. Whatever it does,
// every job is paid once and every image stored whole. Replies that are lost have
// nights of their own.
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
		{"error before acceptance", rate(simulator.FaultErrorBeforeAccept, 0.3), etchings(24)},
		{"reply lost, LoRA as model", rate(simulator.FaultDropAfterAccept, 0.3), lora},
		{"reply lost, list lags", append(rate(simulator.FaultDropAfterAccept, 0.3), simulator.Fault{Kind: simulator.FaultListLag, Rate: 1, Seed: 9, Seconds: 5}), etchings(24)},
		{"list never shows them", []simulator.Fault{{Kind: simulator.FaultListLag, Rate: 1, Seed: 9, Seconds: 1e6}}, etchings(24)},
		{"list fails", rate(simulator.FaultListError, 0.5), etchings(24)},
		{"asset reads fail", rate(simulator.FaultAssetError, 0.3), etchings(24)},
		{"downloads are cut", rate(simulator.FaultTruncateDownload, 0.4), etchings(24)},
		{"downloads are damaged", rate(simulator.FaultCorruptImage, 0.4), etchings(24)},
		{"downloads are web pages", rate(simulator.FaultHTMLDownload, 0.4), etchings(24)},
		{"downloads are slow", rate(simulator.FaultSlowDownload, 0.4), etchings(24)},
		{"links expire", rate(simulator.FaultExpireLink, 0.4), etchings(24)},
		{"other size", rate(simulator.FaultWrongSize, 0.5), etchings(24)},
		{"requests are refused for their rate", rate(simulator.FaultRateLimit, 0.2), etchings(24)},
		{"too many at once", rate(simulator.FaultParallelLimit, 0.2), etchings(24)},
		{"runs fail and are refunded", []simulator.Fault{{Kind: simulator.FaultFailGeneration, Next: 12}}, etchings(24)},
		{"all of it at once", storm, etchings(24)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNight(t, simulator.Options{Latency: simulator.Between(5*time.Second, 15*time.Second), Seed: 1}, test.manifest)
				if err := n.sim.SetFaults(test.faults...); err != nil {
					t.Fatal(err)
				}
				n.run().complete(4 * time.Hour)
				n.paidOnce()
				n.allStored()
				n.booksAgree(n)
			})
		})
	}
}

// TestWindow runs a batch that is to start jobs at night only, from the evening on.
func TestWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Seed: 1}, etchings(24, "window: 22:00-06:00"))
		n.pass(22*time.Hour - 2*time.Minute) // a bubble begins at midnight UTC
		s := n.run()
		time.Sleep(time.Minute) // virtual
		if wait := s.out.waitedFor(job.WaitWindow); wait == nil || wait.Until.Hour() != 22 || wait.Until.Minute() != 0 {
			t.Errorf("a minute before ten it waits for %+v", s.out.waits())
		}
		s.complete(3 * time.Hour)
		n.paidOnce()
		for _, entry := range n.sim.Ledger() {
			if hour := entry.Accepted.UTC().Hour(); hour != 22 {
				t.Errorf("a job was started at %s", entry.Accepted.UTC())
			}
		}
	})
}
