package nights

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain collects garbage less often: a night makes much of it, mostly in the Lua of the
// emulated Redis.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
