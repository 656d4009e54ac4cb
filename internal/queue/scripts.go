package queue

import (
	"embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

var (
	addScript       = loadScript("add")
	changeScript    = loadScript("change")
	claimScript     = loadScript("claim")
	finishScript    = loadScript("finish")
	readScript      = loadScript("read")
	polledScript    = loadScript("looked")
	lastPollScript  = loadScript("lastlook")
	orphansScript   = loadScript("orphans")
	abandonedScript = loadScript("abandoned")
	putScript       = loadScript("put")
	collectScript   = loadScript("collect")
	sendScript      = loadScript("send")
	swapScript      = loadScript("swap")
	wakeLaneScript  = loadScript("wakelane")
)

func loadScript(name string) *redis.Script {
	source, err := luaFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(fmt.Sprintf("queue: %v", err)) // a file of this package is missing from the build
	}
	return redis.NewScript(string(source))
}
