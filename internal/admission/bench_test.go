package admission

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// timeless is an emulator whose TTLs stand still: with ClockTTL in real time it
// sorts all of its keys at each command, which is not what is measured here.
func timeless(b *testing.B) redis.UniversalClient {
	server, client := redistest.Emulator(b)
	server.ClockTTL(false)
	return client
}

// busy are candidates with every limit, none of which is reached.
func busy(n int) []keyed {
	l := Limits{RequestsPerMinute: 1 << 30, Parallel: 1 << 30, CU: Caps{Total: cu(1 << 30), Day: cu(1 << 30), Month: cu(1 << 30)}}
	candidates := make([]keyed, n)
	for i := range candidates {
		name := strconv.Itoa(i)
		candidates[i] = keyed{Account: Account{APIKey: name, Project: "p" + name, Team: "t" + name}, Key: l, Project: l, Team: l}
	}
	return candidates
}

// onEach runs a benchmark on both servers. It tells the median of what an operation
// takes, since others use the machine too, and of the time of its script on the real
// server.
func onEach(b *testing.B, bench func(b *testing.B, a *Admission, measure func(func()))) {
	run := func(b *testing.B, client redis.UniversalClient) {
		var took []time.Duration
		bench(b, opened(b, client), func(operation func()) {
			for b.Loop() {
				start := time.Now()
				operation()
				took = append(took, time.Since(start))
			}
		})
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
	}
	b.Run("miniredis", func(b *testing.B) { run(b, timeless(b)) })
	b.Run("redis", func(b *testing.B) {
		client := redistest.Start(b).Client(b)
		run(b, client)
		stats, err := client.Info(b.Context(), "latencystats").Result()
		mustDo(b, err)
		median, err := strconv.ParseFloat(scriptMedian.FindStringSubmatch(stats)[1], 64)
		mustDo(b, err)
		b.ReportMetric(median, "script-µs")
	})
}

var scriptMedian = regexp.MustCompile(`latency_percentiles_usec_evalsha:p50=([0-9.]+)`)

// BenchmarkReserve is one grant on the first try and its release.
func BenchmarkReserve(b *testing.B) {
	for _, projects := range []int{1, 8, 64} {
		for _, n := range []int{1, 8, 64} {
			if projects > n {
				continue
			}
			b.Run(strconv.Itoa(n)+"-keys-of-"+strconv.Itoa(projects), func(b *testing.B) {
				candidates := busy(n)
				for i := range candidates {
					candidates[i].Account.Project = "p" + strconv.Itoa(i%projects)
					candidates[i].Account.Team = "t" + strconv.Itoa(i%projects)
				}
				onEach(b, func(b *testing.B, a *Admission, measure func(func())) {
					n := 0
					measure(func() {
						mustReserve(b, a, claim(job.ID(strconv.Itoa(n)), 1, candidates...))
						n++
					})
				})
			})
		}
	}
}

// BenchmarkRefused is one answer "wait", from a full request window or a full team,
// with one API key and with many of one project.
func BenchmarkRefused(b *testing.B) {
	for _, n := range []int{1, 64} {
		candidates := make([]keyed, n)
		for i := range candidates {
			candidates[i] = keyed{Account: Account{APIKey: strconv.Itoa(i)}, Project: Limits{RequestsPerMinute: 100}, Team: Limits{Parallel: 100}}
		}
		waits := func(b *testing.B, a *Admission, measure func(func())) {
			measure(func() {
				if _, err := a.Reserve(b.Context(), claim("waits", 1, candidates...)); err == nil {
					b.Fatal("granted")
				}
			})
		}
		b.Run("rate-"+strconv.Itoa(n), func(b *testing.B) {
			onEach(b, func(b *testing.B, a *Admission, measure func(func())) {
				for range 100 {
					on := candidates[0]
					mustDo(b, a.Request(b.Context(), on.candidate()))
				}
				waits(b, a, measure)
			})
		})
		b.Run("slots-"+strconv.Itoa(n), func(b *testing.B) {
			onEach(b, func(b *testing.B, a *Admission, measure func(func())) {
				for i := range 100 {
					on := candidates[0]
					mustDo(b, a.Adopt(b.Context(), ref(job.ID(strconv.Itoa(i))), 1, on.Account, 1, time.Time{}))
				}
				waits(b, a, measure)
			})
		})
	}
}
