package batch_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/s3test"
)

const picksKey = "night/_nightshift/picks.jsonl"

func jobOf(row string) job.ID { return job.Identify("model_x", nil, []string{row}) }

// image is image n, from 1, of a row.
func image(row string, n int) job.Picture { return job.Picture{Job: jobOf(row), Image: n - 1} }

func mark(row string, n int, mark job.Mark) batch.Pick {
	return batch.Pick{At: batchtest.Start, Row: row, Job: jobOf(row), Image: row + ".png", N: n, Mark: mark, By: batch.ByCommand}
}

func appendPicks(t testing.TB, b batch.Bucket, lines ...batch.Pick) {
	t.Helper()
	if err := batch.AppendPicks(t.Context(), b, "night", lines); err != nil {
		t.Fatal(err)
	}
}

func readPicks(t testing.TB, b batch.Bucket) *batch.Picks {
	t.Helper()
	picks, err := batch.ReadPicks(t.Context(), b, "night")
	if err != nil {
		t.Fatal(err)
	}
	return picks
}

func TestPicksOfNobody(t *testing.T) {
	t.Parallel()
	picks := readPicks(t, batchtest.Local(t))
	if mark, roll := picks.Of(image("axe", 1)), picks.Roll("axe"); mark != job.Unmarked || roll != 0 {
		t.Errorf("an image of which nobody said anything is %q and rolled %d times", mark, roll)
	}
}

func TestLastMarkCounts(t *testing.T) {
	t.Parallel()
	local := batchtest.Local(t)
	four := 4
	rated := mark("bow", 2, job.Unmarked)
	rated.Rating = &four
	appendPicks(t, local, mark("axe", 1, job.Rejected), mark("bow", 1, job.Picked), rated)
	appendPicks(t, local, mark("axe", 1, job.Picked), mark("bow", 1, job.Unmarked), batch.Pick{At: batchtest.Start, Row: "axe", Roll: 2})
	appendPicks(t, local, batch.Pick{At: batchtest.Start.Add(time.Hour), Row: "axe", Roll: 1})
	picks := readPicks(t, local)
	got := fmt.Sprintln(picks.Of(image("axe", 1)), picks.Of(image("axe", 2)), picks.Of(image("bow", 1)), picks.Roll("axe"), picks.Roll("bow"))
	if want := "pick none none 2 0\n"; got != want {
		t.Errorf("marks and rolls are %q, want %q", got, want)
	}
	if line, marked := picks.Last(image("bow", 2)); !marked || line.Rating == nil || *line.Rating != four {
		t.Errorf("the rated image has %+v", line)
	}
}

func TestPicksLines(t *testing.T) {
	t.Parallel()
	local := batchtest.Local(t)
	appendPicks(t, local, mark("a<b", 1, job.Picked), batch.Pick{At: batchtest.Start, Row: "axe", Roll: 1})
	want := fmt.Sprintf(`{"at":"2026-03-04T22:00:00Z","row":"a<b","job":"%s","image":"a<b.png","n":1,"mark":"pick","by":"command"}
{"at":"2026-03-04T22:00:00Z","row":"axe","roll":1}
`, jobOf("a<b"))
	if got := batchtest.ReadFile(t, local, picksKey); got != want {
		t.Errorf("the record is\n%s\nwant\n%s", got, want)
	}
}

func TestTornPick(t *testing.T) {
	t.Parallel()
	local := batchtest.Local(t)
	appendPicks(t, local, mark("axe", 1, job.Picked))
	whole := batchtest.ReadFile(t, local, picksKey)
	batchtest.WriteFile(t, local, picksKey, whole+whole[:len(whole)/2])
	if got := readPicks(t, local).Of(image("axe", 1)); got != job.Picked {
		t.Errorf("before a torn line the mark is %q", got)
	}
	appendPicks(t, local, mark("bow", 1, job.Rejected))
	picks := readPicks(t, local)
	if axe, bow := picks.Of(image("axe", 1)), picks.Of(image("bow", 1)); axe != job.Picked || bow != job.Rejected {
		t.Errorf("around a torn line the marks are %q and %q", axe, bow)
	}
}

func TestDamagedPicks(t *testing.T) {
	t.Parallel()
	id := jobOf("axe")
	for name, line := range map[string]string{
		"no JSON":          `axe is good`,
		"no job":           `{"at":"2026-03-04T22:00:00Z","row":"axe","n":1,"mark":"pick"}`,
		"a job of nobody":  `{"at":"2026-03-04T22:00:00Z","row":"axe","job":"../etc","n":1,"mark":"pick"}`,
		"no image":         `{"at":"2026-03-04T22:00:00Z","row":"axe","job":"` + string(id) + `","n":0,"mark":"pick"}`,
		"another mark":     `{"at":"2026-03-04T22:00:00Z","row":"axe","job":"` + string(id) + `","n":1,"mark":"maybe"}`,
		"no mark":          `{"at":"2026-03-04T22:00:00Z","row":"axe","job":"` + string(id) + `","n":1}`,
		"rated too well":   `{"at":"2026-03-04T22:00:00Z","row":"axe","job":"` + string(id) + `","n":1,"mark":"pick","rating":6}`,
		"rolled back":      `{"at":"2026-03-04T22:00:00Z","row":"axe","roll":-1}`,
		"a roll of no row": `{"at":"2026-03-04T22:00:00Z","roll":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			local := batchtest.Local(t)
			appendPicks(t, local, mark("bow", 1, job.Picked))
			batchtest.WriteFile(t, local, picksKey, line+"\n"+batchtest.ReadFile(t, local, picksKey))
			_, err := batch.ReadPicks(t.Context(), local, "night")
			if !errors.Is(err, job.ErrDamaged) || !strings.Contains(fmt.Sprint(err), "picks.jsonl, line 1") || job.Hint(err) == "" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAppendNoNonsense(t *testing.T) {
	t.Parallel()
	local := batchtest.Local(t)
	if err := batch.AppendPicks(t.Context(), local, "night", []batch.Pick{mark("axe", 1, job.Picked), mark("bow", 0, job.Picked)}); err == nil {
		t.Error("image 0 was marked")
	}
	if got := readPicks(t, local).Of(image("axe", 1)); got != job.Unmarked {
		t.Errorf("a part of what was refused is there: %q", got)
	}
}

// Several people mark at once, each through a bucket of their own, in a folder and on S3.
func TestManyPick(t *testing.T) {
	t.Parallel()
	folder, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() batch.Bucket{
		"folder": func() batch.Bucket {
			b, err := bucket.NewLocal(folder.Path(""))
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
		"s3": s3Opener(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const people, each = 8, 5
			var picking sync.WaitGroup
			for person := range people {
				b := open()
				picking.Go(func() {
					for n := 1; n <= each; n++ {
						if err := batch.AppendPicks(t.Context(), b, "night", []batch.Pick{mark(fmt.Sprint("row-", person), n, job.Picked)}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			picking.Wait()
			picks := readPicks(t, open())
			for person := range people {
				for n := 1; n <= each; n++ {
					if got := picks.Of(image(fmt.Sprint("row-", person), n)); got != job.Picked {
						t.Errorf("image %d of person %d is %q", n, person, got)
					}
				}
			}
		})
	}
}

// s3Opener opens the same bucket again and again, as other processes would.
func s3Opener(t testing.TB) func() batch.Bucket {
	t.Helper()
	server := s3test.Memory(t)
	if err := server.MakeBucket(t.Context(), "art"); err != nil {
		t.Fatal(err)
	}
	return func() batch.Bucket {
		b, err := bucket.NewS3(t.Context(), bucket.S3Options{
			Bucket: "art", Endpoint: server.Endpoint, Region: server.Region, RootCAs: server.RootCAs,
			AccessKey: server.AccessKey, SecretKey: server.SecretKey,
		})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// A mark passes on to what was made of the image, unless that has one of its own.
func TestPicked(t *testing.T) {
	t.Parallel()
	of := func(row string, from ...job.Picture) batch.PlannedImage {
		return batch.PlannedImage{Row: row, Job: jobOf(row), N: 1, Made: true, From: from}
	}
	images := []batch.PlannedImage{
		of("axe"), of("axe/cut", image("axe", 1)), of("axe/large", image("axe/cut", 1)), of("bow"), of("bow/cut", image("bow", 1)), of("cup/cut", image("cup/cut", 1)),
	}
	local := batchtest.Local(t)
	for _, c := range []struct {
		lines []batch.Pick
		want  string
	}{
		{nil, ""},
		{[]batch.Pick{mark("axe", 1, job.Picked)}, "axe axe/cut axe/large"},
		{[]batch.Pick{mark("axe/cut", 1, job.Rejected)}, "axe"},
		{[]batch.Pick{mark("bow/cut", 1, job.Picked)}, "axe bow/cut"},
	} {
		appendPicks(t, local, c.lines...)
		var rows []string
		for _, image := range readPicks(t, local).Picked(images) {
			rows = append(rows, image.Row)
		}
		if got := strings.Join(rows, " "); got != c.want {
			t.Errorf("picked are %q, want %q", got, c.want)
		}
	}
}

// Of named images all are marked or none; a file's marks of images that are gone are told.
func TestMarkImages(t *testing.T) {
	t.Parallel()
	local := batchtest.Local(t)
	submitted(t, local, "axe", "bow")
	made(t, local, 0, jobOf("axe"), "axe", nil)
	folder := batch.NewFolder(local, "night")
	_, err := folder.Mark(t.Context(), &batch.MarkRequest{Rows: []string{"axe", "bwo"}, Mark: job.Picked, Arg: "night"})
	if _, input := errors.AsType[*job.InputError](err); !input || !strings.Contains(err.Error(), "bow") || readPicks(t, local).Any() {
		t.Errorf("a row that is not there: %v", err)
	}
	if _, err = folder.Mark(t.Context(), &batch.MarkRequest{Rows: []string{"axe:2"}, Mark: job.Picked}); !strings.Contains(fmt.Sprint(err), "is gone") {
		t.Errorf("an image that is gone: %v", err)
	}
	if _, err = folder.Mark(t.Context(), &batch.MarkRequest{Rows: []string{"bow"}, Mark: job.Picked}); !strings.Contains(fmt.Sprint(err), "no image yet") {
		t.Errorf("an image that is not made: %v", err)
	}
	file, err := batch.ReadPickFile("picks.json", strings.NewReader(fmt.Sprintf(`{"batch":"night","picked":[{"row":"axe","job":"%s","image":"axe-1.png","n":1}],"rejected":[]}`, jobOf("axe"))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = folder.Mark(t.Context(), &batch.MarkRequest{File: file}); !strings.Contains(fmt.Sprint(err), "none of the 1 mark fits") {
		t.Errorf("a file of images that are gone: %v", err)
	}
	for entries, want := range map[string]string{
		`"picked":[{"row":"axe","job":"%[1]s","n":1}],"rejected":[{"row":"axe","job":"%[1]s","image":"axe-1.png"}]`: "has two marks",
		`"picked":[{"row":"bow","job":"%[1]s","image":"axe-1.png","n":1}]`:                                          "those of image axe-1.png of row axe",
	} {
		file, err := batch.ReadPickFile("picks.json", strings.NewReader(`{"batch":"night",`+fmt.Sprintf(entries, jobOf("axe"))+`}`))
		if err == nil {
			_, err = folder.Mark(t.Context(), &batch.MarkRequest{File: file})
		}
		if _, input := errors.AsType[*job.InputError](err); !input || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", entries, err, want)
		}
	}
	if shown, err := folder.Mark(t.Context(), new(batch.MarkRequest)); err != nil || shown.Images != 2 || shown.Unmarked != 2 || shown.Noted != 0 {
		t.Errorf("shown are %+v (%v)", shown, err)
	}
}
