package upload_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/provider"
	"nightshift/internal/provider/scenario"
	"nightshift/internal/simulator"
	"nightshift/internal/upload"
)

// bed is a bucket, a simulator and what all processes share of a Redis.
type bed struct {
	t       *testing.T
	bucket  *bucket.Local
	sim     *simulator.Simulator
	clients keys

	mu     sync.Mutex
	leased map[string]bool
}

// keys are the API keys, each of a project of its own name.
type keys map[string]*scenario.Client

func (k keys) Origin(apiKey string) batch.KeyOrigin {
	return batch.KeyOrigin{API: "sim", Project: strings.TrimRight(apiKey, "0123456789")}
}

func (k keys) Uploader(apiKey string, requests provider.Requests) (provider.Uploader, error) {
	return k[apiKey].Limited(requests).(provider.Uploader), nil
}

// freely are requests that no limit holds.
type freely struct{}

func (freely) Wait(context.Context) error  { return nil }
func (freely) Plenty(context.Context) bool { return true }
func (freely) Refused(_ context.Context, refusal error) (bool, error) {
	limit, limited := errors.AsType[*job.LimitError](refusal)
	return limited && limit.Limit == job.LimitRate, refusal
}

// newBed has the keys a1 and a2 of one project, b1 of another, and r1, which may only read.
func newBed(t *testing.T) *bed {
	t.Helper()
	folder, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	known := []simulator.Key{
		{Key: "a1", Secret: "s", Project: "a"}, {Key: "a2", Secret: "s", Project: "a"}, {Key: "b1", Secret: "s", Project: "b"},
		{Key: "r1", Secret: "s", Project: "r", Scopes: []string{"models.read", "jobs.read", "jobs.write", "assets.read"}},
	}
	sim, err := simulator.New(simulator.Options{Keys: known, RequestsPerMinute: simulator.Unlimited, Latency: simulator.Between(time.Second, 3*time.Second), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, bucket: folder, sim: sim, clients: keys{}, leased: map[string]bool{}}
	for _, key := range known {
		client, err := scenario.New(scenario.Options{BaseURL: "http://sim/v1", Key: key.Key, Secret: "s", Transport: simulator.Transport(sim)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		b.clients[key.Key] = client
	}
	return b
}

const grace = 2 * time.Minute

// process is what one process knows. Those of a fleet share leases; a run has its own.
func (b *bed) process(ofFleet bool) *upload.Uploads {
	u := &upload.Uploads{Bucket: b.bucket, Grace: grace, Logger: slog.New(slog.DiscardHandler)}
	u.Lease = func(context.Context, string) (func(context.Context) error, bool, error) {
		return func(context.Context) error { return nil }, true, nil
	}
	if ofFleet {
		u.Lease = b.lease
	}
	return u
}

func (b *bed) lease(_ context.Context, name string) (func(context.Context) error, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.leased[name] {
		return nil, false, nil
	}
	b.leased[name] = true
	return func(context.Context) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.leased, name)
		return nil
	}, true, nil
}

func (b *bed) faults(faults ...simulator.Fault) {
	b.t.Helper()
	if err := b.sim.SetFaults(faults...); err != nil {
		b.t.Fatal(err)
	}
}

// takes puts a picture into the batch's folder and returns a job that takes it.
func (b *bed) takes(content []byte) *job.Job {
	b.t.Helper()
	hash := sha256.Sum256(content)
	sum := hex.EncodeToString(hash[:])
	if err := b.bucket.Put(b.t.Context(), batch.ReferenceKey("icons", sum), bytes.NewReader(content)); err != nil {
		b.t.Fatal(err)
	}
	return &job.Job{ID: "j1", PictureInputs: []string{"image"}, Inputs: job.Inputs{"image": job.Picture{SHA256: sum}.String()}}
}

// until uploads as a handler does, again for as long as it is told to wait.
func (b *bed) until(ctx context.Context, u *upload.Uploads, j *job.Job, apiKey string) error {
	for range 2000 {
		err := u.Upload(ctx, b.clients, "icons", j, apiKey, freely{})
		wait, waits := errors.AsType[*job.PostponedError](err)
		if !waits {
			return err
		}
		time.Sleep(wait.After)
	}
	return errors.New("it never ends")
}

// asset is what stands for the job's picture, which must be known.
func (b *bed) asset(u *upload.Uploads, j *job.Job, apiKey string) string {
	b.t.Helper()
	assets, ready, err := u.Ready(b.t.Context(), b.clients, "icons", j, apiKey)
	if err != nil || !ready || len(assets) != 1 {
		b.t.Fatalf("with key %s the pictures are %v, ready: %v (%v)", apiKey, assets, ready, err)
	}
	for _, asset := range assets {
		return asset
	}
	return ""
}

// once demands that the project has one asset of the picture, and that it is the one known.
func (b *bed) once(u *upload.Uploads, j *job.Job, apiKey string) {
	b.t.Helper()
	time.Sleep(time.Hour) // what is still being imported is there by then
	var assets []string
	for _, entry := range b.sim.Uploads() {
		if entry.AssetID != "" && !entry.Deleted && entry.Project == b.clients.Origin(apiKey).Project {
			assets = append(assets, entry.AssetID)
			if !strings.Contains(j.Inputs["image"].(string), entry.SHA256) {
				b.t.Errorf("asset %s is another picture, %s", entry.AssetID, entry.SHA256)
			}
		}
	}
	if known := b.asset(u, j, apiKey); len(assets) != 1 || assets[0] != known {
		b.t.Errorf("the project has the assets %v, and %s is known; want it alone\n%+v", assets, known, b.sim.Uploads())
	}
}

func gray(width, height int, seed uint64) []byte {
	img, random := image.NewGray(image.Rect(0, 0, width, height)), rand.New(rand.NewPCG(seed, 1))
	for i := range img.Pix {
		img.Pix[i] = byte(random.Uint32())
	}
	var buffer bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&buffer, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return buffer.Bytes()
}

// small goes in one call, large in two parts.
var (
	small = gray(40, 40, 1)
	large = sync.OnceValue(func() []byte { return gray(3000, 3000, 2) })
)

// Whatever is lost, a project gets a picture once.
func TestAPictureIsUploadedOnce(t *testing.T) {
	t.Parallel()
	one := func(kind simulator.FaultKind) []simulator.Fault { return []simulator.Fault{{Kind: kind, Next: 1}} }
	for name, c := range map[string]struct {
		faults []simulator.Fault
		parts  bool
	}{
		"small":                       {},
		"small, refused":              {faults: one(simulator.FaultUploadError)},
		"small, cut":                  {faults: one(simulator.FaultCutUpload)},
		"small, answer dropped":       {faults: one(simulator.FaultDropAfterUpload)},
		"small, answer replaced":      {faults: one(simulator.FaultErrorAfterUpload)},
		"small, refused for the rate": {faults: []simulator.Fault{{Kind: simulator.FaultRateLimit, Next: 2}}},
		"small, all that can be": {faults: []simulator.Fault{
			{Kind: simulator.FaultUploadError, Next: 1}, {Kind: simulator.FaultCutUpload, Next: 1}, {Kind: simulator.FaultDropAfterUpload, Next: 1},
		}},
		"large":                               {parts: true},
		"large, refused":                      {parts: true, faults: []simulator.Fault{{Kind: simulator.FaultUploadError, Next: 4}}},
		"large, cut":                          {parts: true, faults: []simulator.Fault{{Kind: simulator.FaultCutUpload, Next: 2}}},
		"large, cut for good":                 {parts: true, faults: []simulator.Fault{{Kind: simulator.FaultCutUpload, Next: 20}}},
		"large, answer dropped":               {parts: true, faults: one(simulator.FaultDropAfterUpload)},
		"large, answer replaced":              {parts: true, faults: one(simulator.FaultErrorAfterUpload)},
		"large, links expired":                {parts: true, faults: []simulator.Fault{{Kind: simulator.FaultExpirePart, Next: 2}}},
		"large, never good links for a while": {parts: true, faults: []simulator.Fault{{Kind: simulator.FaultExpirePart, Next: 7}}},
		"large, import fails":                 {parts: true, faults: one(simulator.FaultFailImport)},
		"large, slow import":                  {parts: true, faults: []simulator.Fault{{Kind: simulator.FaultSlowImport, Next: 1, Seconds: 900}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t)
				content := small
				if c.parts {
					content = large()
				}
				j := b.takes(content)
				b.faults(c.faults...)
				u := b.process(true)
				for {
					err := b.until(t.Context(), u, j, "a1")
					if err == nil {
						break
					}
					if errors.Is(err, job.ErrInvalid) {
						t.Fatal(err)
					}
					time.Sleep(10 * time.Second) // as the runner does
				}
				b.once(u, j, "a1")
			})
		})
	}
}

// What a process began that was killed or stopped is found by the next one.
func TestAnUploadOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content func() []byte
		fault   simulator.Fault
		after   time.Duration
	}{
		"small, stopped before the answer": {func() []byte { return small }, simulator.Fault{Kind: simulator.FaultDropAfterUpload, Next: 1}, 0},
		"large, stopped in the import":     {large, simulator.Fault{Kind: simulator.FaultSlowImport, Next: 1, Seconds: 1200}, 5 * time.Second},
		"large, stopped in a short import": {large, simulator.Fault{}, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t)
				j := b.takes(c.content())
				if c.fault.Kind != "" {
					b.faults(c.fault)
				}
				ctx, stop := context.WithCancel(t.Context())
				if c.after > 0 {
					time.AfterFunc(c.after, stop)
				}
				err := b.process(true).Upload(ctx, b.clients, "icons", j, "a1", freely{})
				stop()
				if err == nil {
					t.Fatal("it was not stopped")
				}
				next := b.process(true)
				if err := b.until(t.Context(), next, j, "a1"); err != nil {
					t.Fatal(err)
				}
				b.once(next, j, "a1")
			})
		})
	}
}

func TestProcessesUploadAPictureOnce(t *testing.T) {
	t.Parallel()
	for name, ofFleet := range map[string]bool{"workers of a fleet": true, "runs on one folder": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t)
				j := b.takes(large())
				var processes []*upload.Uploads
				var all sync.WaitGroup
				for i := range 6 {
					if i%3 == 0 {
						processes = append(processes, b.process(ofFleet))
					}
					u, apiKey := processes[len(processes)-1], []string{"a1", "a2"}[i%2]
					all.Go(func() {
						if err := b.until(t.Context(), u, j, apiKey); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				b.once(processes[0], j, "a1")
				if b.asset(processes[1], j, "a2") != b.asset(processes[0], j, "a1") {
					t.Error("two keys of a project use two assets")
				}
				if err := b.until(t.Context(), processes[0], j, "b1"); err != nil { // another project
					t.Fatal(err)
				}
				b.once(processes[0], j, "b1")
			})
		})
	}
}

func TestADeletedAssetIsUploadedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		j, u := b.takes(small), b.process(true)
		if err := b.until(t.Context(), u, j, "a1"); err != nil {
			t.Fatal(err)
		}
		first := b.asset(u, j, "a1")
		b.faults(simulator.Fault{Kind: simulator.FaultDeleteInput, Next: 1})
		_, err := b.clients["a1"].Submit(t.Context(), time.Time{}, job.Request{
			Model: "model_bria-remove-background", Inputs: job.Inputs{"image": first}, PictureInputs: []string{"image"},
		})
		gone, ok := errors.AsType[*job.AssetGoneError](err)
		if !ok || gone.Asset != first {
			t.Fatalf("a job whose picture is gone is refused with %v", err)
		}
		u.Gone(first)
		for _, process := range []*upload.Uploads{u, b.process(true)} {
			if err := b.until(t.Context(), process, j, "a1"); err != nil {
				t.Fatal(err)
			}
			b.once(process, j, "a1")
			if b.asset(process, j, "a1") == first {
				t.Error("the deleted asset is used")
			}
		}
	})
}

// notes are the objects that say what was uploaded.
func (b *bed) notePath(j *job.Job) string {
	b.t.Helper()
	scopes, err := b.bucket.Folders(b.t.Context(), upload.Folder)
	if err != nil || len(scopes) != 1 {
		b.t.Fatalf("projects %v (%v)", scopes, err)
	}
	return upload.Folder + "/" + scopes[0] + "/" + strings.TrimPrefix(j.Inputs["image"].(string), "sha256:") + ".json"
}

func TestADamagedNoteIsLookedUp(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "cut": `{"name": "nightsh`, "null": "null", "of other types": `{"asset": 5}`, "without anything": "{}",
		"begun":                   `{"name": "nightshift-other.png", "at": "2000-01-01T00:00:00Z"}`,
		"begun in the future":     `{"at": "2990-01-01T00:00:00Z"}`,
		"unlisted, in the future": `{"at": "2000-01-01T00:00:00Z", "unlisted": "2990-01-01T00:00:00Z"}`,
		"asset that is none":      `{"asset": "../models/x", "at": "2000-01-01T00:00:00Z"}`,
		"upload that is none":     `{"upload": "../x", "at": "2000-01-01T00:00:00Z"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t)
				j, u := b.takes(small), b.process(true)
				if err := b.until(t.Context(), u, j, "a1"); err != nil {
					t.Fatal(err)
				}
				if err := b.bucket.Put(t.Context(), b.notePath(j), strings.NewReader(text)); err != nil {
					t.Fatal(err)
				}
				next := b.process(true)
				if err := b.until(t.Context(), next, j, "a1"); err != nil {
					t.Fatal(err)
				}
				switch name {
				case "without anything", "asset that is none": // nothing says that it was ever begun
					if uploads := len(b.sim.Uploads()); uploads != 2 {
						t.Errorf("%d uploads", uploads)
					}
				default:
					b.once(next, j, "a1")
				}
			})
		})
	}
}

func TestADamagedReferenceWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func([]byte) []byte{
		"cut":       func(content []byte) []byte { return content[:len(content)/2] },
		"empty":     func([]byte) []byte { return nil },
		"web page":  func([]byte) []byte { return []byte("<html>moved</html>") },
		"replaced":  func([]byte) []byte { return gray(40, 40, 9) },
		"taken out": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t)
				j, u := b.takes(small), b.process(true)
				key := batch.ReferenceKey("icons", strings.TrimPrefix(j.Inputs["image"].(string), "sha256:"))
				var err error
				if change == nil {
					err = b.bucket.Delete(t.Context(), key)
				} else {
					err = b.bucket.Put(t.Context(), key, bytes.NewReader(change(small)))
				}
				if err != nil {
					t.Fatal(err)
				}
				err = b.until(t.Context(), u, j, "a1")
				if job.Hint(err) == "" || errors.Is(err, job.ErrInvalid) || len(b.sim.Uploads()) != 0 {
					t.Errorf("the job ends with %v and hint %q after %d uploads", err, job.Hint(err), len(b.sim.Uploads()))
				}
			})
		})
	}
}

func TestAKeyThatMayNotUploadIsSaid(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]func() []byte{"small": func() []byte { return small }, "large": large} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t)
				j, u := b.takes(content()), b.process(true)
				err := b.until(t.Context(), u, j, "r1")
				access, ok := errors.AsType[*job.AccessError](err)
				if !ok || access.Access != job.AccessScope || !strings.Contains(err.Error(), "assets.write") {
					t.Errorf("it ends with %v", err)
				}
				if err := b.until(t.Context(), u, j, "a1"); err != nil { // another key is not held up
					t.Error(err)
				}
			})
		})
	}
}

// A picture that the provider does not take is called as the manifest calls it.
func TestARefusedPictureIsNamed(t *testing.T) {
	t.Parallel()
	img := image.NewPaletted(image.Rect(0, 0, 7100, 7100), color.Palette{color.Black, color.White}) // more than the API takes
	var buffer bytes.Buffer
	if err := png.Encode(&buffer, img); err != nil {
		t.Fatal(err)
	}
	b := newBed(t)
	j := b.takes(buffer.Bytes())
	value, _ := j.Inputs["image"].(string)
	j.PictureNames = map[string]string{value: "hero (refs/hero.png)"}
	err := b.process(true).Upload(t.Context(), b.clients, "icons", j, "a1", freely{})
	if !errors.Is(err, job.ErrInvalid) {
		t.Fatalf("it ends with %v", err)
	}
	if said := err.Error(); !strings.HasPrefix(said, "hero (refs/hero.png): ") || !strings.Contains(said, "pixels") || strings.Contains(said, strings.TrimPrefix(value, "sha256:")) {
		t.Errorf("it is said: %s", said)
	}
}
