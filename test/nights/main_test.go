package nights

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain collects garbage less often, as long as there is memory: a night makes much of it,
// mostly in the Lua of the emulated Redis.
func TestMain(m *testing.M) {
	debug.SetGCPercent(1600)
	debug.SetMemoryLimit(1 << 30)
	os.Exit(m.Run())
}
