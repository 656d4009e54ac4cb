package report_test

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
	"testing"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
	"nightshift/internal/report"
)

// keepIn makes the sample sheets where a person can look at them:
// go test ./internal/report -run Sample -sheets /tmp/sheets
var keepIn = flag.String("sheets", "", "write the sample contact sheets into this folder")

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
func putPNG(t testing.TB, bucket *batchtest.Folder, batch, key string, picture image.Image) job.Image {
	t.Helper()
	return putImage(t, bucket, batch, key, "png", encodePNG(t, picture), picture.Bounds().Size())
}

func putImage(t testing.TB, bucket *batchtest.Folder, batch, key, format string, data []byte, size image.Point) job.Image {
	t.Helper()
	bucket.Write(t, batch+"/"+key, string(data))
	return job.Image{
		Key: key, Asset: "asset_" + key, Bytes: int64(len(data)), Format: format,
		Width: size.X, Height: size.Y, CRC32: fmt.Sprintf("%08x", crc32.ChecksumIEEE(data)),
	}
}

// sampleBatch writes a batch of n jobs with pictures, thumbnails, report and sheet.
func sampleBatch(t testing.TB, bucket *batchtest.Folder, id string, n int, pictures int) {
	t.Helper()
	ctx := t.Context()
	log := batch.NewLog(bucket, id)
	thumbs := report.NewThumbnails(bucket)
	var drawn []job.Image
	for i := range pictures {
		drawn = append(drawn, putPNG(t, bucket, id, fmt.Sprintf("art/%03d.png", i), painting(uint64(i), pictureSide(), pictureSide(), i%4 == 1)))
		if err := thumbs.Make(ctx, id, drawn[i]); err != nil {
			t.Fatal(err)
		}
	}
	var lines [2]bytes.Buffer
	for i := range n {
		result := batchtest.Result(i)
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
	bucket.Write(t, id+"/results.jsonl", lines[0].String())
	bucket.Write(t, id+"/errors.jsonl", lines[1].String())
	sums := report.Report{
		Batch: id, Mode: job.Live, State: report.Complete, Started: batchtest.Start, Ended: batchtest.Start.Add(6*time.Hour + 12*time.Minute),
		Counts: report.Counts{Jobs: n}, Requests: report.Requests{Total: int64(float64(n) * 1.18)},
	}
	if err := report.Tally(ctx, log, &sums); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteReport(ctx, bucket, id, sums); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteSheet(ctx, bucket, id, report.SheetOptions{Report: sums}); err != nil {
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
	bucket := batchtest.NewFolder(t)
	if *keepIn != "" {
		bucket.Root = *keepIn
		if err := os.MkdirAll(bucket.Root, 0o755); err != nil {
			t.Fatal(err)
		}
		sampleBatch(t, bucket, "relics-large", 5000, 48)
	}
	sampleBatch(t, bucket, "potion-icons", 48, 40)
	if got := readShard(t, bucket, "potion-icons", 1); len(got.entries) != 48 {
		t.Errorf("%d entries in the first data file, want 48", len(got.entries))
	}
}
