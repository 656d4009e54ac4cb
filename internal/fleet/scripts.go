package fleet

import (
	"embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

var (
	beatScript = loadScript("beat")
	buryScript = loadScript("bury")
	holdScript = loadScript("hold")
	dropScript = loadScript("drop")
)

func loadScript(name string) *redis.Script {
	source, err := luaFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(fmt.Sprintf("fleet: %v", err)) // a file of this package is missing from the build
	}
	return redis.NewScript(string(source))
}
