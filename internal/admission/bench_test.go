package admission

import (
	"regexp"
	"strconv"
	"testing"

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
func busy(n int) []Candidate {
	l := Limits{RequestsPerMinute: 1 << 30, Parallel: 1 << 30, CU: Caps{Total: cu(1 << 30), Day: cu(1 << 30), Month: cu(1 << 30)}}
	candidates := make([]Candidate, n)
	for i := range candidates {
		name := strconv.Itoa(i)
		candidates[i] = Candidate{Account: Account{APIKey: name, Project: "p" + name, Team: "t" + name}, Key: l, Project: l, Team: l}
	}
	return candidates
}

// onEach runs a benchmark on both servers; on the real one it tells how long the
// scripts took in Redis, for each operation.
func onEach(b *testing.B, bench func(b *testing.B, a *Admission)) {
	b.Run("miniredis", func(b *testing.B) { bench(b, opened(b, timeless(b))) })
	b.Run("redis", func(b *testing.B) {
		client := redistest.Start(b).Client(b)
		a := opened(b, client)
		before := scriptMicroseconds(b, client)
		bench(b, a)
		b.ReportMetric(float64(scriptMicroseconds(b, client)-before)/float64(b.N), "redis-µs/op")
	})
}

var scriptTime = regexp.MustCompile(`cmdstat_(?:eval|evalsha):calls=\d+,usec=(\d+)`)

func scriptMicroseconds(b *testing.B, client redis.UniversalClient) (sum int64) {
	b.Helper()
	stats, err := client.Info(b.Context(), "commandstats").Result()
	mustDo(b, err)
	for _, found := range scriptTime.FindAllStringSubmatch(stats, -1) {
		n, err := strconv.ParseInt(found[1], 10, 64)
		mustDo(b, err)
		sum += n
	}
	return sum
}

// BenchmarkReserveSettle is what admission costs a job: one grant and its bill, with
// one API key and with eight to choose from.
func BenchmarkReserveSettle(b *testing.B) {
	for _, n := range []int{1, 8} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			onEach(b, func(b *testing.B, a *Admission) { reserveSettle(b, a, busy(n)) })
		})
	}
}

func reserveSettle(b *testing.B, a *Admission, candidates []Candidate) {
	n := 0
	for b.Loop() {
		c := claim(job.ID(strconv.Itoa(n)), 1, candidates...)
		n++
		in := mustReserve(b, a, c).Account
		mustDo(b, a.Settle(b.Context(), c.Ref, 1, in, 1000, 0))
	}
}

// BenchmarkRefused is one answer "wait" from a full request window, the dearest.
func BenchmarkRefused(b *testing.B) {
	onEach(b, func(b *testing.B, a *Admission) {
		on := Candidate{Account: night, Project: Limits{RequestsPerMinute: 100}}
		for range 100 {
			mustDo(b, a.Request(b.Context(), on))
		}
		for b.Loop() {
			if _, err := a.Reserve(b.Context(), claim("waits", 1, on)); err == nil {
				b.Fatal("granted")
			}
		}
	})
}
