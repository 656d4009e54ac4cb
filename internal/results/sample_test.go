package results_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/results"
)

// keepIn makes the sample sheets where a person can look at them:
// go test ./internal/results -run Sample -sheets /tmp/sheets
var keepIn = flag.String("sheets", "", "write the sample contact sheets into this folder")

var sampleStart = time.Date(2026, 3, 4, 22, 0, 0, 0, time.UTC)

// painting draws a picture that looks like something: a lit object on a ground,
// different for each seed.
func painting(seed uint64, width, height int, transparent bool) image.Image {
	random := rand.New(rand.NewPCG(seed, 7))
	hue := random.Float64() * 6
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	lobes, turn, size := float64(3+random.IntN(5)), random.Float64()*6, 0.55+random.Float64()*0.2
	for y := range height {
		for x := range width {
			dx, dy := 2*float64(x)/float64(width)-1, 2*float64(y)/float64(height)-1
			radius, angle := math.Hypot(dx, dy), math.Atan2(dy, dx)
			edge := size * (1 + 0.22*math.Sin(lobes*angle+turn))
			light := math.Max(0, 1-math.Hypot(dx+0.3, dy+0.35))
			ground := 0.16 + 0.12*(1-radius)
			shade := tint(hue+3, ground, 0.4, 255)
			if transparent {
				shade.A = 0
			}
			if radius < edge {
				shade = tint(hue+0.8*light, 0.25+0.75*light, 0.75-0.5*light*light, 255)
			}
			picture.SetNRGBA(x, y, shade)
		}
	}
	return picture
}

func tint(hue, value, saturation float64, alpha uint8) color.NRGBA {
	channel := func(shift float64) uint8 {
		wave := 0.5 + 0.5*math.Cos(hue+shift)
		return uint8(255 * math.Min(1, value*(1-saturation+saturation*wave)))
	}
	return color.NRGBA{R: channel(0), G: channel(2.1), B: channel(4.2), A: alpha}
}

// putPNG stores a picture and returns what a result says of it.
func putPNG(t testing.TB, bucket *folder, batch, key string, picture image.Image) job.Image {
	t.Helper()
	return putImage(t, bucket, batch, key, "png", encodePNG(t, picture), picture.Bounds().Size())
}

func putImage(t testing.TB, bucket *folder, batch, key, format string, data []byte, size image.Point) job.Image {
	t.Helper()
	bucket.write(t, batch+"/"+key, string(data))
	return job.Image{
		Key: key, Asset: "asset_" + key, Bytes: int64(len(data)), Format: format,
		Width: size.X, Height: size.Y, CRC32: fmt.Sprintf("%08x", crc32.ChecksumIEEE(data)),
	}
}

var (
	sampleItems = []string{"health potion", "mana potion", "iron helmet", "dragon scale", "rune of frost", "amber lantern", "old map"}
	styleNames  = []string{"painterly", "pixel", "ink"}
	styleTexts  = []string{"hand painted, soft rim light, visible brush strokes", "16-bit pixel art, limited palette", "ink drawing with washes of grey"}
)

// sampleResult is a job as a night leaves it: every eleventh failed, every
// seventh has a warning.
func sampleResult(n int) job.Result {
	item, style := sampleItems[n%len(sampleItems)], n/len(sampleItems)%len(styleNames)
	row := fmt.Sprintf("%s-%03d", strings.ReplaceAll(item, " ", "-"), n)
	seed := fmt.Sprint(100000 + 7919*n)
	prompt := fmt.Sprintf("A %s, %s, centered on a plain background, no text", item, styleTexts[style])
	if n%5 == 3 {
		prompt += strings.Repeat(", with fine details in the worn edges and a faint glow that falls on the ground below it", 6)
	}
	inputs := job.NormalInputs(map[string]any{
		"prompt": prompt, "width": 512, "height": 512, "numInferenceSteps": 28, "guidance": 3.5, "seed": json.Number(seed),
	})
	name := styleNames[style] + "/" + row + ".{ext}"
	sent := sampleStart.Add(time.Duration(n) * 9 * time.Second)
	result := job.Result{
		Job: job.Identify("model_bfl-flux-1-dev", inputs, []string{name}), Index: n, Row: row, State: job.Succeeded,
		Model: "model_bfl-flux-1-dev", Prompt: prompt, Inputs: inputs, Seed: seed, Outputs: []string{name},
		Variables: map[string]string{"item": item, "style": styleNames[style], "name": row},
		Inference: fmt.Sprintf("job_%06d", n), Attempts: 1, Quoted: 5 * job.OneCU, Billed: 5*job.OneCU + job.CU(n%3)*500,
		Submitted: sent, Ended: sent.Add(time.Duration(12+n%17) * time.Second), Recorded: sent.Add(time.Duration(14+n%17) * time.Second),
	}
	if n%11 == 5 {
		result.State, result.Kind, result.Refunded = job.Failed, "rejected", result.Billed
		result.Reason = "The output was flagged by the provider's content moderation."
		result.Hint = "Change the prompt of this row and enqueue the manifest again; only this row runs."
	}
	return result
}

// sampleBatch writes a batch of n jobs with pictures, thumbnails, report and sheet.
func sampleBatch(t testing.TB, bucket *folder, batch string, n int, pictures int) {
	t.Helper()
	ctx := t.Context()
	log := results.NewLog(bucket, batch)
	thumbs := results.NewThumbnails(bucket)
	var drawn []job.Image
	for i := range pictures {
		drawn = append(drawn, putPNG(t, bucket, batch, fmt.Sprintf("art/%03d.png", i), painting(uint64(i), pictureSide(), pictureSide(), i%4 == 1)))
		if err := thumbs.Make(ctx, batch, drawn[i]); err != nil {
			t.Fatal(err)
		}
	}
	var lines [2]bytes.Buffer
	for i := range n {
		result := sampleResult(i)
		to := 1
		if result.State == job.Succeeded {
			to = 0
			image := drawn[i%len(drawn)]
			if i%7 == 2 {
				image.Warning = "is a PNG, the manifest asked for .jpg"
			}
			result.Images = []job.Image{image}
			if i%9 == 4 {
				result.Images = append(result.Images, drawn[(i+1)%len(drawn)])
			}
		}
		if err := json.NewEncoder(&lines[to]).Encode(result); err != nil {
			t.Fatal(err)
		}
	}
	bucket.write(t, batch+"/results.jsonl", lines[0].String())
	bucket.write(t, batch+"/errors.jsonl", lines[1].String())
	report := results.Report{
		Batch: batch, Mode: job.Live, State: results.Complete, Started: sampleStart, Ended: sampleStart.Add(6*time.Hour + 12*time.Minute),
		Counts: results.Counts{Jobs: n}, Requests: results.Requests{Total: int64(float64(n) * 1.18)},
	}
	if err := log.Tally(ctx, &report); err != nil {
		t.Fatal(err)
	}
	if err := results.WriteReport(ctx, bucket, batch, report); err != nil {
		t.Fatal(err)
	}
	if err := results.WriteSheet(ctx, bucket, batch, results.SheetOptions{Report: report}); err != nil {
		t.Fatal(err)
	}
}

// pictureSide is smaller where nobody looks.
func pictureSide() int {
	if *keepIn == "" {
		return 64
	}
	return 512
}

func TestSample(t *testing.T) {
	t.Parallel()
	bucket := newFolder(t)
	if *keepIn != "" {
		bucket.root = *keepIn
		if err := os.MkdirAll(bucket.root, 0o755); err != nil {
			t.Fatal(err)
		}
		sampleBatch(t, bucket, "relics-large", 5000, 48)
	}
	sampleBatch(t, bucket, "potion-icons", 48, 40)
	if got := readShard(t, bucket, "potion-icons", 1); len(got.entries) != 48 {
		t.Errorf("%d entries in the first data file, want 48", len(got.entries))
	}
}
