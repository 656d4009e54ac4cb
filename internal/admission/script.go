package admission

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

var (
	reserveScript  = loadScript("common", "epoch", "scope", "rate", "cu", "grant", "wait", "reserve")
	changeScript   = loadScript("common", "epoch", "scope", "cu", "grant", "change")
	requestScript  = loadScript("common", "scope", "rate", "wait", "request")
	beginScript    = loadScript("common", "epoch", "begin")
	clearScript    = loadScript("common", "epoch", "clear")
	readyScript    = loadScript("common", "epoch", "ready")
	cooldownScript = loadScript("common", "cooldown")
	liftScript     = loadScript("common", "lift")
	learnScript    = loadScript("common", "learn")
	usageScript    = loadScript("common", "scope", "rate", "cu", "usage")
)

// loadScript joins the named files, shared parts first, into one script.
func loadScript(names ...string) *redis.Script {
	var source strings.Builder
	for _, name := range names {
		text, err := luaFiles.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(fmt.Sprintf("admission: %v", err)) // a file of this package is missing from the build
		}
		source.Write(text)
	}
	return redis.NewScript(source.String())
}

// outcome is the first number of an answer; common.lua names the same.
type outcome int64

const (
	done outcome = iota
	wait
	settled
	noGrant
	elsewhere
	lost
)

// answer is what a script returned: numbers and, where scopes are told, texts.
type answer []any

// run runs a script. An answer that is not a list is an error.
func (a *Admission) run(ctx context.Context, script *redis.Script, keys []string, args ...any) (answer, error) {
	reply, err := script.Run(ctx, a.redis, keys, args...).Slice()
	if err != nil {
		return nil, err
	}
	if len(reply) == 0 {
		return nil, errors.New("empty answer of a script")
	}
	return reply, nil
}

// ask runs a script with an ask, whose keys come behind these.
func (a *Admission) ask(ctx context.Context, script *redis.Script, keys []string, q *ask) (answer, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	return a.run(ctx, script, append(keys, q.keys...), text)
}

func (r answer) outcome() outcome { return outcome(r.number(0)) }

// number returns the i-th value, which the script promises to be a number; what
// is not there is 0.
func (r answer) number(i int) int64 {
	if i >= len(r) {
		return 0
	}
	n, _ := r[i].(int64)
	return n
}

// text returns the i-th value, which the script promises to be a text.
func (r answer) text(i int) string {
	text, _ := r[i].(string)
	return text
}

// scopes returns those that stand from the i-th value on, each name behind its kind.
func (r answer) scopes(i int) []Scope {
	var scopes []Scope
	for ; i+1 < len(r); i += 2 {
		scopes = append(scopes, Scope{Kind: Kind(r.text(i)), Name: r.text(i + 1)})
	}
	return scopes
}
