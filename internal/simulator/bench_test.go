package simulator_test

import (
	"testing"

	"nightshift/internal/simulator"
)

// BenchmarkJob is everything the simulator does for one small job: accept it, show
// it, draw its image and hand it out.
func BenchmarkJob(b *testing.B) {
	sim, err := simulator.New(simulator.Options{
		Latency: instant, Parallel: simulator.Unlimited, RequestsPerMinute: simulator.Unlimited, Seed: 1,
	})
	if err != nil {
		b.Fatal(err)
	}
	client := newBench(b, sim)
	b.ReportAllocs()
	for b.Loop() {
		id := client.generate("a coin")
		asset := client.asset(client.assets(id)[0])
		if status, _, _, err := client.download(asset["url"].(string)); status != 200 || err != nil {
			b.Fatal(status, err)
		}
	}
}

// BenchmarkListPage reads a full page out of many jobs.
func BenchmarkListPage(b *testing.B) {
	sim, err := simulator.New(simulator.Options{
		Latency: instant, Parallel: simulator.Unlimited, RequestsPerMinute: simulator.Unlimited, Seed: 1,
	})
	if err != nil {
		b.Fatal(err)
	}
	client := newBench(b, sim)
	for range 5000 {
		client.generate("a coin")
	}
	for b.Loop() {
		client.get("/v1/jobs?pageSize=200")
	}
}
