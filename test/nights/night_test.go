package nights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/manifest"
	"nightshift/internal/redisclient"
	"nightshift/internal/redistest"
	"nightshift/internal/simulator"
)

// night is a whole system in a synctest bubble: hours of virtual time pass in
// seconds. What runs in it is the program itself, as [night.run] starts it, on a
// Redis that stays when a run ends, and the simulator's ledger is the judge.
type night struct {
	*place
	file     string // the manifest
	manifest *manifest.Manifest
	log      *batch.Log
	// files lie in the folder of the manifest, by their paths in it.
	files map[string][]byte
}

// place is what the batches of a night share.
type place struct {
	t       *testing.T
	sim     *simulator.Simulator
	wire    *wire
	redis   *miniredis.Miniredis
	client  redis.UniversalClient
	gate    gate    // before Redis, for those who may find it away
	weather weather // of the bucket, for those who may find it bad
	// published is what mortal workers have stored.
	published published
	folder    string
	bucket    *bucket.Local
	environ   []string
	// keysFile is where the API keys are; "" for the one of the environment.
	keysFile string
	shifts   []*shift
	members  int    // workers that were started
	clock    func() // stops that of Redis
	// theirs tells the runs of other programs in the ledger; nil where there are none.
	theirs func(simulator.Entry) bool
}

// newNight makes a night with one batch. The sizes of the limits are those of the
// simulator's options where the environment names no others.
func newNight(t *testing.T, o simulator.Options, text string, environ ...string) *night {
	t.Helper()
	return newPlace(t, o, environ...).batch(text)
}

// newPlace makes a night without a batch.
func newPlace(t *testing.T, o simulator.Options, environ ...string) *place {
	t.Helper()
	o.Models = nightModels
	sim, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, sim: sim, wire: newWire(simulator.Transport(sim)), folder: nightFolder(t)}
	p.redis, p.client = redistest.Emulator(t)
	p.startClock()
	p.environ = append([]string{
		"SCENARIO_API_URL=http://simulator/v1", "SCENARIO_API_KEY=sim", "SCENARIO_API_SECRET=sim", "NIGHTSHIFT_GRACE=" + grace.String(),
		fmt.Sprintf("NIGHTSHIFT_REQUESTS_PER_MINUTE=%d", max(o.RequestsPerMinute, simulator.DefaultRequestsPerMinute)),
	}, environ...)
	if p.bucket, err = bucket.NewLocal(p.folder); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// batch adds a batch to the night.
func (p *place) batch(text string) *night {
	p.t.Helper()
	n := &night{place: p}
	n.write(text)
	return n
}

// write gives the batch another manifest.
func (n *night) write(text string) {
	n.t.Helper()
	n.file = filepath.Join(n.t.TempDir(), "night.yaml")
	err := os.WriteFile(n.file, []byte(text), 0o600)
	for name, content := range n.files {
		path := filepath.Join(filepath.Dir(n.file), filepath.FromSlash(name))
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600))
	}
	if err == nil {
		n.manifest, err = manifest.Open(n.file)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	n.log = batch.NewLog(n.bucket, n.manifest.Batch())
}

func (p *place) startClock() { p.clock = redisclient.KeepTime(p.redis) }

// close ends what still runs.
func (p *place) close() {
	for _, s := range p.shifts {
		s.interrupt()
	}
	p.clock()
}

// pass lets time go by in which nothing runs.
func (p *place) pass(d time.Duration) {
	p.clock()
	time.Sleep(d) // virtual
	p.redis.FastForward(d)
	p.startClock()
}

// passUntil is pass up to a moment.
func (p *place) passUntil(at time.Time) { p.pass(time.Until(at)) }

// until waits for something to come true.
func (p *place) until(what string, limit time.Duration, reached func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(limit); !reached(); time.Sleep(time.Second) { // virtual
		if time.Now().After(deadline) {
			p.t.Fatalf("after %s of virtual time not so: %s", limit, what)
		}
	}
}

// The models of nights: small pictures, which are drawn soon.
const (
	etching = "model_night-etching" // has a seed; 2.25 CU
	woodcut = "model_night-woodcut" // has none; 3 CU
	fresco  = "model_night-fresco"  // has a seed, and needs the plan cu-team; 5 CU
	frieze  = "model_night-frieze"  // has a seed, and makes up to four images; 1.5 CU each
	collage = "model_night-collage" // has a seed, and takes pictures; 2.5 CU
)

// What the models of nights cost, in thousandths of a CU.
const (
	etchingCU = 2250
	woodcutCU = 3000
	frescoCU  = 5000
	friezeCU  = 1500
	collageCU = 2500
)

var nightModels = modelFiles(
	`{"model": {"id": "model_night-etching", "type": "custom", "status": "trained", "inputs": [
		{"name": "prompt", "type": "string", "prompt": true, "required": {"always": true}},
		{"name": "seed", "type": "number", "min": 0, "max": 2147483647}]},
	  "simulator": {"price": 2, "qualityGate": 0.25, "width": 32, "height": 32}}`,
	`{"model": {"id": "model_night-woodcut", "type": "custom", "status": "trained", "inputs": [
		{"name": "prompt", "type": "string", "prompt": true, "required": {"always": true}}]},
	  "simulator": {"price": 3, "width": 32, "height": 32}}`,
	`{"model": {"id": "model_night-fresco", "type": "custom", "status": "trained", "accessRestrictions": 75, "inputs": [
		{"name": "prompt", "type": "string", "prompt": true, "required": {"always": true}},
		{"name": "seed", "type": "number", "min": 0, "max": 2147483647}]},
	  "simulator": {"price": 5, "width": 32, "height": 32}}`,
	`{"model": {"id": "model_night-frieze", "type": "custom", "status": "trained", "inputs": [
		{"name": "prompt", "type": "string", "prompt": true, "required": {"always": true}},
		{"name": "numImages", "type": "number", "default": 1, "min": 1, "max": 4, "step": 1, "costImpact": true},
		{"name": "seed", "type": "number", "min": 0, "max": 2147483647}]},
	  "simulator": {"price": 1.5, "width": 32, "height": 32}}`,
	`{"model": {"id": "model_night-collage", "type": "custom", "status": "trained", "inputs": [
		{"name": "prompt", "type": "string", "prompt": true, "required": {"always": true}},
		{"name": "sketch", "type": "file", "kind": "image"},
		{"name": "referenceImages", "type": "file_array", "kind": "image", "maxLength": 4},
		{"name": "seed", "type": "number", "min": 0, "max": 2147483647}]},
	  "simulator": {"price": 2.5, "width": 32, "height": 32}}`,
)

func modelFiles(records ...string) fs.FS {
	files := fstest.MapFS{}
	for i, record := range records {
		files[fmt.Sprintf("%d.json", i)] = &fstest.MapFile{Data: []byte(record)}
	}
	return files
}

// etchings is a manifest of n jobs that differ in their seeds.
func etchings(n int, more ...string) string {
	return fmt.Sprintf(`
version: 1
name: night
model: %s
prompt: "potion number {seed}"
items: [{id: potion}]
axes: {product: {seed: ["1..%d"]}}
output: "{id}/{seed}.{ext}"
%s
`, etching, n, strings.Join(more, "\n"))
}

// woodcuts is a manifest of kinds*copies jobs without seeds, of which copies each
// ask for the same.
func woodcuts(kinds, copies int, more ...string) string {
	return fmt.Sprintf(`
version: 1
name: night
model: %s
prompt: "potion of kind {kind}"
items: [{id: potion}]
axes: {product: {kind: [%s], copy: [%s]}}
output: "{id}/{kind}-{copy}.{ext}"
%s
`, woodcut, upTo(kinds), upTo(copies), strings.Join(more, "\n"))
}

// upTo lists the numbers from 1 to n.
func upTo(n int) string {
	numbers := make([]string, n)
	for i := range numbers {
		numbers[i] = strconv.Itoa(i + 1)
	}
	return strings.Join(numbers, ", ")
}

// renamed gives a manifest another name.
func renamed(name, text string) string { return strings.Replace(text, "name: night", "name: "+name, 1) }

// prefix is what the keys of the night's bucket begin with in Redis.
func (p *place) prefix() string {
	p.t.Helper()
	id, err := bucket.ReadIdentity(p.t.Context(), p.bucket)
	if err != nil {
		p.t.Fatal(err)
	}
	return app.RedisPrefix(id)
}
