package admission

import (
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

var benchLimits = Limits{RequestsPerMinute: 1 << 30, Parallel: 1 << 30, KeyCU: cu(1 << 30), BatchCU: cu(1 << 30)}

// timeless is an emulator whose TTLs stand still: with ClockTTL in real time it
// sorts all of its keys at each command, which is not what is measured here.
func timeless(b *testing.B) redis.UniversalClient {
	server, client := redistest.Emulator(b)
	server.ClockTTL(false)
	return client
}

// BenchmarkReserveSettle is what admission costs a job: one grant and its bill.
func BenchmarkReserveSettle(b *testing.B) {
	b.Run("miniredis", func(b *testing.B) { reserveSettle(b, timeless(b)) })
	b.Run("redis", func(b *testing.B) { reserveSettle(b, redistest.Start(b).Client(b)) })
}

func reserveSettle(b *testing.B, client redis.UniversalClient) {
	a := New(Options{Redis: client})
	n := 0
	for b.Loop() {
		id := job.ID(strconv.Itoa(n))
		n++
		if _, err := a.Reserve(b.Context(), claim(id, 1, benchLimits)); err != nil {
			b.Fatal(err)
		}
		if err := a.Settle(b.Context(), nightScope, id, 1, 1000, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReserve is one grant with every limit looked at.
func BenchmarkReserve(b *testing.B) {
	b.Run("miniredis", func(b *testing.B) { reserve(b, timeless(b)) })
	b.Run("redis", func(b *testing.B) { reserve(b, redistest.Start(b).Client(b)) })
}

func reserve(b *testing.B, client redis.UniversalClient) {
	a := New(Options{Redis: client})
	n := 0
	for b.Loop() {
		n++
		if _, err := a.Reserve(b.Context(), claim(job.ID(strconv.Itoa(n)), 1, benchLimits)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefused is one answer "wait" from a full request window, the dearest.
func BenchmarkRefused(b *testing.B) {
	b.Run("miniredis", func(b *testing.B) { refused(b, timeless(b)) })
	b.Run("redis", func(b *testing.B) { refused(b, redistest.Start(b).Client(b)) })
}

func refused(b *testing.B, client redis.UniversalClient) {
	a := New(Options{Redis: client})
	limits := Limits{RequestsPerMinute: 1}
	if err := a.Request(b.Context(), nightScope, limits); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := a.Reserve(b.Context(), claim("waits", 1, limits)); err == nil {
			b.Fatal("granted")
		}
	}
}
