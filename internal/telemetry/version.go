package telemetry

import (
	"runtime/debug"
	"strings"
)

// Version is what the program was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision := ""
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			revision = setting.Value
		}
	}
	return strings.Join(strings.Fields(info.Main.Version+" "+revision+" "+info.GoVersion), " ")
}
