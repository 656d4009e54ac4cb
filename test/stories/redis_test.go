package stories

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nightshift/internal/redistest"
)

// redisKey names the Redis server of a script, testKey the test that it runs in.
type (
	redisKey struct{}
	testKey  struct{}
)

// setFleet gives a script that is told by a fleet its Redis. The command redis finds it
// started.
func setFleet(env *testscript.Env) error {
	t, ok := env.T().(testing.TB)
	if !ok {
		return errors.New("the script runs in no test")
	}
	server := redistest.StartKept(t)
	env.Values[redisKey{}].(*redisServer).Server = server
	env.Setenv(pathVariable, pathFleet)
	env.Setenv("NIGHTSHIFT_REDIS", "redis://"+server.Addr()+"/0")
	env.Setenv("REDIS_DIR", server.Dir())
	return nil
}

// redisServer holds the server of a script, if it has started one.
type redisServer struct{ *redistest.Server }

// redisCommand starts a real Redis, points enqueue to it, and does to it what
// happens to servers:
//
//	redis [kept]     starts it; kept on disk it survives a kill
//	redis second     starts another one and points enqueue to that
//	redis flush      empties it
//	redis kill       ends it at once
//	redis restart    ends it, if it runs, and starts it again
//	redis freeze     lets it stand still until redis thaw
//	redis full       lets it take no more writes until redis roomy
//	redis dump FILE  writes all it holds to a file, uncompressed
func redisCommand(ts *testscript.TestScript, neg bool, args []string) {
	server := ts.Value(redisKey{}).(*redisServer)
	started := server.Server != nil
	what := ""
	if len(args) > 0 {
		what = args[0]
	}
	t := ts.Value(testKey{}).(testing.TB)
	switch {
	case !neg && !started && (what == "" || what == "kept") && len(args) <= 1:
		start := redistest.Start
		if what == "kept" {
			start = redistest.StartKept
		}
		server.Server = start(t)
		ts.Setenv("NIGHTSHIFT_REDIS", "redis://"+server.Addr()+"/0")
		ts.Setenv("REDIS_DIR", server.Dir())
	case !neg && started && ts.Getenv(pathVariable) == pathFleet && (what == "" || what == "kept") && len(args) <= 1:
	case !neg && started && what == "second" && len(args) == 1:
		ts.Setenv("NIGHTSHIFT_REDIS", "redis://"+redistest.Start(t).Addr()+"/0")
	case !neg && started && what == "dump" && len(args) == 2:
		dumpRedis(ts, t, server, args[1])
	case !neg && started && len(args) == 1 && redisDeeds[what] != nil:
		redisDeeds[what](server.Server, t)
	default:
		ts.Fatalf("usage: redis [kept], or second|flush|kill|restart|freeze|thaw|full|roomy, or dump FILE of one that was started")
	}
}

var redisDeeds = map[string]func(*redistest.Server, testing.TB){
	"flush": func(s *redistest.Server, t testing.TB) {
		if err := s.Client(t).FlushAll(t.Context()).Err(); err != nil {
			t.Fatalf("empty redis: %v", err)
		}
	},
	"full":    func(s *redistest.Server, t testing.TB) { limitMemory(s, t, "1") },
	"roomy":   func(s *redistest.Server, t testing.TB) { limitMemory(s, t, "0") },
	"kill":    (*redistest.Server).Kill,
	"restart": (*redistest.Server).Restart,
	"freeze":  (*redistest.Server).Freeze,
	"thaw":    (*redistest.Server).Thaw,
}

// limitMemory sets how many bytes a server may hold; 0 is any.
func limitMemory(s *redistest.Server, t testing.TB, most string) {
	if err := s.Client(t).ConfigSet(t.Context(), "maxmemory", most).Err(); err != nil {
		t.Fatalf("limit redis: %v", err)
	}
}

// dumpRedis has the server save what it holds and copies that, so that it can be
// searched when the server is gone.
func dumpRedis(ts *testscript.TestScript, t testing.TB, server *redisServer, file string) {
	client := server.Client(t)
	ts.Check(client.ConfigSet(t.Context(), "rdbcompression", "no").Err())
	ts.Check(client.Save(t.Context()).Err())
	data, err := os.ReadFile(filepath.Join(server.Dir(), "dump.rdb"))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(file), data, 0o600))
}

// away is how long a script leaves something out of reach: away 20s
func away(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "away TIME")
	gone, err := time.ParseDuration(args[0])
	ts.Check(err)
	time.Sleep(gone)
}
