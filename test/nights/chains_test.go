package nights

import (
	"image"
	_ "image/jpeg" // rows make these
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// stepsOfChains is how many steps are made of each row.
const stepsOfChains = 10

// chained is a manifest of rows that take a picture, of which the second takes the image of
// the first, too, and of which each goes through ten steps.
const chained = `
version: 1
name: night
model: model_bfl-flux-2-dev
prompt: "{id}, after the picture"
references: {hero: hero.png}
defaults: {parameters: {width: 256, height: 256}, images: {referenceImages: [hero]}}
items:
  - {id: hare}
  - {id: crow, needs: hare, images: {referenceImages: ["{needs}", hero]}}
  - {id: wren}
steps:
  s1: {model: model_bria-remove-background, images: {image: "{previous}"}}
  s2: {model: model_birefnet-background-removal, images: {image: "{previous}"}}
  s3: {model: model_bria-remove-background, images: {image: "{previous}"}}
  s4: {model: model_birefnet-background-removal, images: {image: "{previous}"}}
  s5: {model: model_bria-remove-background, images: {image: "{s3}"}}
  s6: {model: model_birefnet-background-removal, images: {image: "{previous}"}}
  s7: {model: model_bria-remove-background, images: {image: "{previous}"}}
  s8: {model: model_birefnet-background-removal, images: {image: "{previous}"}}
  s9: {model: model_bria-remove-background, images: {image: "{first}"}}
  s10: {model: model_birefnet-background-removal, images: {image: "{previous}"}}
`

// chains is the night of such a manifest.
func chains(t *testing.T, o simulator.Options) *night {
	t.Helper()
	n := newPlace(t, o).batch(etchings(1))
	picture := filepath.Join(filepath.Dir(n.file), "hero.png")
	file, err := os.Create(picture)
	if err == nil {
		err = png.Encode(file, image.NewGray(image.Rect(0, 0, 64, 64)))
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	n.write(strings.ReplaceAll(chained, "hero.png", picture))
	return n
}

// chainsHold judges by the ledger: each job was paid once, and has taken what the jobs before
// it have made and nothing else. Its picture was uploaded once.
func (n *night) chainsHold() {
	n.t.Helper()
	uploaded := make(map[string]string) // contents by asset
	contents := make(map[string]int)
	for _, upload := range n.sim.Uploads() {
		if upload.AssetID != "" {
			uploaded[upload.AssetID] = job.Picture{SHA256: upload.SHA256}.String()
			contents[upload.SHA256]++
		}
	}
	for sum, times := range contents {
		if times != 1 {
			n.t.Errorf("picture %s was uploaded %d times", sum, times)
		}
	}
	jobs := make(map[job.ID]job.Job)
	for _, j := range n.planned() {
		jobs[j.ID] = j
	}
	makes := make(map[string]string) // pictures by asset
	made := make(map[string]job.Job) // by inference
	for _, result := range n.succeeded() {
		made[result.Inference] = jobs[result.Job]
		for i, stored := range result.Images {
			makes[stored.Asset] = job.Picture{Job: result.Job, Image: i}.String()
		}
	}
	ledger := n.sim.Ledger()
	if len(ledger) != len(jobs) || len(made) != len(jobs) {
		n.t.Errorf("%d jobs were planned, %d inferences paid, and %d recorded", len(jobs), len(ledger), len(made))
	}
	for _, entry := range ledger {
		j := made[entry.JobID]
		taken := entry.Input.WithPictures(j.PictureInputs, func(asset string) string { return uploaded[asset] + makes[asset] })
		if diff := cmp.Diff(string(j.Inputs.Canonical()), string(taken.Canonical())); diff != "" {
			n.t.Errorf("inference %s of %s took another picture (-want +got):\n%s", entry.JobID, j.Row, diff)
		}
	}
}

// imagesOfAll judges by the folder: the images of all jobs are there and whole.
func (n *night) imagesOfAll() {
	n.t.Helper()
	done := make(map[job.ID]bool)
	for _, result := range n.succeeded() {
		done[result.Job] = true
		for i := range result.Images {
			if err := decode(filepath.Join(n.folder, filepath.FromSlash(result.Key(n.manifest.Batch(), i)))); err != nil {
				n.t.Error(err)
			}
		}
	}
	for _, j := range n.planned() {
		if !done[j.ID] {
			n.t.Errorf("%s made no image", j.Row)
		}
	}
}

// TestChainsOutliveTheirWorkers kills the worker at each step of chains, at drawn moments, and
// empties Redis once.
func TestChainsOutliveTheirWorkers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		seed    uint64
		beside  bool // another worker is there all the time
		emptied int  // at which step Redis is
	}{
		{seed: 1, emptied: 4}, {seed: 2, emptied: 7}, {seed: 3, beside: true, emptied: 5}, {seed: 4, beside: true, emptied: 1},
	} {
		t.Run(strconv.FormatUint(c.seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := chains(t, simulator.Options{Latency: simulator.Between(5*time.Second, 15*time.Second), Parallel: 10, RequestsPerMinute: 600, Seed: c.seed})
				if err := n.sim.SetFaults(append(lostReplies(0.1), simulator.Fault{Kind: simulator.FaultDropAfterUpload, Rate: 0.5, Seed: c.seed})...); err != nil {
					t.Fatal(err)
				}
				random := rand.New(rand.NewPCG(c.seed, 1))
				if c.beside {
					n.member()
				}
				doomed := n.mortal()
				n.submit()
				for step := range stepsOfChains {
					n.until("step "+strconv.Itoa(step)+" has begun", time.Hour, func() bool { return len(n.sim.Ledger()) > 3*step })
					time.Sleep(time.Duration(random.Int64N(int64(12 * time.Second)))) // virtual
					doomed.kill()
					if step == c.emptied {
						n.redis.FlushAll()
					}
					doomed = n.mortal()
				}
				n.over(4 * time.Hour)
				n.noneFailed()
				n.chainsHold()
				n.imagesOfAll()
			})
		})
	}
}

// TestChainsOfOneRun empties the Redis of a run twice.
func TestChainsOfOneRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := chains(t, simulator.Options{Latency: simulator.Between(5*time.Second, 15*time.Second), Parallel: 10, RequestsPerMinute: 600, Seed: 5})
		if err := n.sim.SetFaults(lostReplies(0.2)...); err != nil {
			t.Fatal(err)
		}
		s := n.run()
		for _, paid := range []int{7, 20} {
			n.until("jobs are paid", time.Hour, func() bool { return len(n.sim.Ledger()) >= paid })
			n.redis.FlushAll()
		}
		s.complete(4 * time.Hour)
		n.chainsHold()
		n.imagesOfAll()
	})
}

// TestAFailedStepEndsItsChain refuses a step in the middle: what is made of it is not sent,
// the other chains go on, and a run after that goes on from there.
func TestAFailedStepEndsItsChain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := chains(t, simulator.Options{Latency: simulator.Between(5*time.Second, 15*time.Second), Parallel: 10, RequestsPerMinute: 600, Seed: 6})
		s := n.run()
		n.until("the chains are under way", time.Hour, func() bool { return len(n.sim.Ledger()) >= 3 })
		if err := n.sim.SetFaults(simulator.Fault{Kind: simulator.FaultModeration, Next: 1}); err != nil {
			t.Fatal(err)
		}
		if code := s.end(4 * time.Hour); code != exitSomeFailed {
			t.Fatalf("the run ends with code %d", code)
		}
		roots, followed := map[string]bool{}, 0
		for _, result := range n.failed() {
			need, follows := job.ParseNeedFailed(result.Reason)
			if !follows {
				roots[result.Row] = true
				continue
			}
			followed++
			if result.Kind != job.KindNeed || result.Billed != 0 || result.Attempts != 0 || !roots[need.Row] {
				t.Errorf("%s failed as %s after %d attempts for %s: %s", result.Row, result.Kind, result.Attempts, result.Billed, result.Reason)
			}
		}
		if len(roots) != 1 || followed == 0 {
			t.Errorf("of %v follow %d failures", roots, followed)
		}
		if paid, want := len(n.sim.Ledger()), len(n.planned())-followed; paid != want {
			t.Errorf("%d inferences were sent, want %d", paid, want)
		}
		n.run().complete(4 * time.Hour)
		n.imagesOfAll()
		if paid, want := n.sim.Totals().Succeeded, len(n.planned()); paid != want {
			t.Errorf("%d inferences have made images, want %d", paid, want)
		}
	})
}
