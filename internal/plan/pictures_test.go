package plan_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/gif"
	"image/png"
	"nightshift/internal/document"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/manifest"
)

// grayPNG is a picture of a size, the same for the same shade.
func grayPNG(tb testing.TB, width, height int, shade byte) []byte {
	tb.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	var buffer bytes.Buffer
	if err := png.Encode(&buffer, img); err != nil {
		tb.Fatal(err)
	}
	return buffer.Bytes()
}

// bomb is a small PNG that says it has 60,000 by 60,000 pixels.
func bomb(tb testing.TB) []byte {
	tb.Helper()
	data := grayPNG(tb, 8, 8, 1)
	const head, length = 8 + 8, 13 // signature, and length and type of IHDR
	binary.BigEndian.PutUint32(data[head:], 60_000)
	binary.BigEndian.PutUint32(data[head+4:], 60_000)
	binary.BigEndian.PutUint32(data[head+length:], crc32.ChecksumIEEE(data[head-4:head+length]))
	return data
}

func gifOf(tb testing.TB) []byte {
	tb.Helper()
	var buffer bytes.Buffer
	if err := gif.Encode(&buffer, image.NewGray(image.Rect(0, 0, 9, 9)), nil); err != nil {
		tb.Fatal(err)
	}
	return buffer.Bytes()
}

// openAmong opens a manifest that stands in a folder of pictures, good ones and others.
func openAmong(tb testing.TB, name, text string) *manifest.Manifest {
	tb.Helper()
	root := tb.TempDir()
	folder := filepath.Join(root, "given")
	good := grayPNG(tb, 16, 16, 1)
	for path, content := range map[string][]byte{
		"hero.png": good, "same.png": good, "other.png": grayPNG(tb, 16, 16, 2), "cut.png": good[:len(good)/2], "note.txt": []byte("hello"),
		"drawing.svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "moving.gif": gifOf(tb), "bomb.png": bomb(tb), "empty.png": {},
		"large.png": grayPNG(tb, 1500, 1500, 1), "folder.png/x": good, "../outside.png": good, name: []byte(text),
	} {
		path = filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(root, "outside.png"), filepath.Join(folder, "leads-out.png")); err != nil {
		tb.Skipf("no links here: %v", err)
	}
	m, err := manifest.Open(filepath.Join(folder, name))
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

const pictureHead = `version: 1
name: m
model: model_lantern
prompt: a lantern
references: {hero: hero.png, gone: gone.png}
`

// forQuotes lets each picture be priced as the asset that the catalog has.
type forQuotes struct{ *catalog }

func (c forQuotes) Quote(ctx context.Context, r job.Request) (job.Quote, error) {
	r.Inputs = r.Inputs.WithPictures(r.PictureInputs, func(value string) string {
		if _, is := job.ParsePicture(value); is {
			return "asset_1"
		}
		return value
	})
	return c.catalog.Quote(ctx, r)
}

// picturePlan plans a manifest that stands among pictures.
func picturePlan(t *testing.T, m *manifest.Manifest, o plan.Options) (*plan.Plan, error) {
	t.Helper()
	o.Manifest, o.Catalog = m, forQuotes{newCatalog(t)}
	p, err := plan.Make(t.Context(), o)
	if p != nil {
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return p, err
}

const cutModel = "model_bria-remove-background"

// Each problem of a picture, a need or a step is told before anything is paid, with its place
// and reason.
func TestPictureProblems(t *testing.T) {
	t.Parallel()
	step := func(fields string) string { return "items: [{id: a}]\nsteps: {one: {" + fields + "}}" }
	of := func(name string) string { return "items: [{id: a, images: {referenceImages: [" + name + "]}}]" }
	const whole = "; give a whole PNG, JPEG or WebP file; its path starts at the folder of the manifest"
	const picked = "; it takes pictures in mask, poses, referenceImages"
	for name, c := range map[string]struct{ text, want string }{
		"text":                  {of("note.txt"), `6:43: picture note.txt: it is something else, not a PNG, JPEG or WebP image` + whole},
		"SVG":                   {of("drawing.svg"), `6:43: picture drawing.svg: it is an SVG drawing, not a PNG, JPEG or WebP image` + whole},
		"GIF":                   {of("moving.gif"), `6:43: picture moving.gif: it is a GIF image, not a PNG, JPEG or WebP image` + whole},
		"bomb":                  {of("bomb.png"), `6:43: picture bomb.png: 60000 x 60000 pixels are more than the limit of 268435456` + whole},
		"empty":                 {of("empty.png"), `6:43: picture empty.png: it is empty` + whole},
		"cut":                   {of("cut.png"), `6:43: picture cut.png: the PNG ends before its end chunk` + whole},
		"folder":                {of("folder.png"), `6:43: picture folder.png: it is not a regular file` + whole},
		"missing":               {of("nothere.png"), `6:43: picture nothere.png: there is no such file` + whole},
		"missing reference":     {of("gone"), `5:36: picture gone (gone.png): there is no such file` + whole},
		"near reference":        {of("her"), `6:43: "her" is no reference, and no path of a file; did you mean hero?`},
		"link out":              {of("leads-out.png"), `6:43: picture leads-out.png: leads-out.png is a link that leads out of the manifest's folder` + whole},
		"web link":              {of(`"https://example.com/a.png"`), `6:43: picture from example.com: links are not followed here`},
		"variable":              {of(`"refs/{nope}.png"`), `6:43: unknown variable {nope} in images.referenceImages; known are {id}, {model}`},
		"too many":              {of("hero, hero, hero, hero, hero, hero"), `6:43: referenceImages has 6 items, but the model takes at most 5`},
		"too few":               {`items: [{id: a, images: {poses: [hero]}}]`, `6:33: poses has 1 item, but the model wants at least 2`},
		"too large":             {`items: [{id: a, model: model_picky, images: {image: large.png}}]`, `6:53: picture large.png has 5 kB, but image takes at most 500 bytes; make it smaller`},
		"several":               {`items: [{id: a, images: {mask: [hero, hero], referenceImages: [hero]}}]`, `6:32: mask of model_lantern takes one picture, not 2`},
		"required":              {`items: [{id: a, images: {mask: hero}}]`, `6:9: referenceImages is missing; the model wants it where mask is given; A mask needs an image to lie on.`},
		"unknown input":         {`items: [{id: a, images: {msk: hero}}]`, `6:31: model_lantern has no input "msk"; did you mean mask?`},
		"input of another name": {`items: [{id: a, images: {face: hero}}]`, `6:32: model_lantern has no input "face"` + picked},
		"other input":           {`items: [{id: a, images: {width: hero}}]`, `6:33: width of model_lantern takes no picture` + picked},
		"given twice":           {`items: [{id: a, images: {referenceImages: hero}, parameters: {referenceImages: [asset_1]}}]`, `6:43: referenceImages is given twice, under images and under parameters; keep one`},
		"nothing":               {of(`""`), `6:44: images.referenceImages names no picture; name a file, a reference or an asset, or take it out`},
		"no group":              {`items: [{id: a, images: hero.png}]`, `6:25: images must be a group of fields, not text`},
		"group":                 {`items: [{id: a, images: {referenceImages: {a: b}}}]`, `6:43: images.referenceImages must be text, not a group of fields`},

		"need unused":    {`items: [{id: a}, {id: b, needs: a}]`, `6:33: no input takes the image of "a", which the row needs; give its image to an input of the model, such as images: {image: "{needs}"}`},
		"need of itself": {`items: [{id: a, needs: a, images: {referenceImages: ["{needs}"]}}]`, `6:24: a needs itself; take the need out`},
		"needs in a circle": {`items: [{id: a, needs: b, images: {referenceImages: ["{b}"]}}, {id: b, needs: a, images: {referenceImages: ["{a}"]}}]`,
			"6:24: a and b need each other; take one of the needs out\n6:79: b and a need each other; take one of the needs out"},
		"needs in a wide circle": {`items: [{id: a, needs: b, images: {referenceImages: ["{b}"]}}, {id: b, needs: c, images: {referenceImages: ["{c}"]}}, {id: c, needs: a, images: {referenceImages: ["{a}"]}}, {id: d, needs: a, images: {referenceImages: ["{a}"]}}]`,
			"6:24: a needs b, which needs c, which needs a; take one of the needs out\n6:79: b needs c, which needs a, which needs b; take one of the needs out\n6:134: c needs a, which needs b, which needs c; take one of the needs out"},
		"a circle by a need that is unused": {`items: [{id: a, needs: b}, {id: b, needs: a, images: {referenceImages: ["{a}"]}}]`,
			`6:24: no input takes the image of "b", which needs "a" in turn; take one of the needs out`},
		"a need of itself that is unused": {`items: [{id: a, needs: a}]`, `6:24: "a" needs itself; take it out`},
		"one waits for what is unknown": {`items: [{id: a, needs: boo, images: {referenceImages: ["{needs}"]}}, {id: c, needs: a, images: {referenceImages: ["{a}"]}}]`,
			`6:24: a needs boo, which no row is`},
		"unknown need": {`items: [{id: a, needs: boo, images: {referenceImages: ["{needs}"]}}, {id: bob}]`, `6:24: a needs boo, which no row is; did you mean bob?`},
		"no need":      {of(`"{needs}"`), `6:43: unknown variable {needs} in images.referenceImages; known are {id}, {model}`},

		"step without an image":       {step("model: m, images: {image: hero}"), `7:14: the step takes no image of its row; give it one, such as images: {image: "{previous}"}`},
		"step without images":         {step("model: m"), `7:14: the step takes no image of its row; give it one, such as images: {image: "{previous}"}`},
		"step of unknown step":        {step(`model: m, images: {image: "{on}"}`), `7:41: the step takes no image of its row: {on} is none; it can take {previous}, {first}`},
		"step of a step that is near": {step(`model: ` + cutModel + `, images: {image: "{previos}"}`), `7:68: the step takes no image of its row: {previos} is none; did you mean {previous}?`},
		"step of another that is near": {step(`model: ` + cutModel + `, images: {image: "{previous}"}}, two: {model: model_lantern, prompt: x, images: {referenceImages: ["{previous}", "{oen}"]}`),
			`7:164: unknown image {oen} of step two; did you mean {one}?`},
		"step of an input that is near": {step(`model: ` + cutModel + `, images: {imge: "{previous}"}`), `7:67: model_bria-remove-background has no input "imge"; did you mean image?`},
		"step when it is picked":        {step(`model: m, images: {image: "{previous}"}, when: pickd`), `7:62: when "pickd" is not known; did you mean picked?`},
		"step when another is made":     {step(`model: m, images: {image: "{previous}"}, when: one`), `7:62: when "one" is not known; write when: picked, or leave it out: a step waits for the images that it takes by itself`},
		"step when a group":             {step(`model: m, images: {image: "{previous}"}, when: {picked: true}`), `7:62: when is a group of fields, not a text; write when: picked, or leave it out`},
		"path in a line of its own":     {"items:\n  - id: a\n    images:\n      referenceImages:\n        - hero\n        - nowhere.png", `11:11: picture nowhere.png: there is no such file` + whole},
		"step of itself":                {step(`model: ` + cutModel + `, images: {image: "{one}"}`), `7:68: the step one would take its own image; take the image of a step before, or move the steps`},
		"step of later step": {step(`model: ` + cutModel + `, images: {image: "{two}"}}, two: {model: ` + cutModel + `, images: {image: "{previous}"}`),
			`7:68: the step two comes later; take the image of a step before, or move the steps`},
		"step without a model":             {step(`images: {image: "{previous}"}`), `7:14: the step has no model; give it a model`},
		"step on a model without pictures": {step(`model: model_boundless, images: {image: "{previous}"}`), `7:55: model_boundless has no input "image"; choose a model that takes pictures`},
		"step on no model":                 {step(`model: model_nowhere, images: {image: "{previous}"}`), `7:22: the provider does not know the model "model_nowhere"; compare the id with the one on the model's page; a private model needs a key of its own project`},
		"step when":                        {step(`model: m, images: {image: "{previous}"}, when: rated`), `7:62: when "rated" is not known; write when: picked, or leave it out`},
		"step with samples":                {step(`model: m, images: {image: "{previous}"}, samples: 2`), `7:56: unknown field samples in a step; write model, prompt, output, seed, parameters, images or when`},
		"step named previous":              {"items: [{id: a}]\nsteps: {previous: {model: m, images: {image: '{previous}'}}}", `7:9: a step cannot be named previous: {previous} has a meaning of its own; give it another name`},
		"step with a slash":                {"items: [{id: a}]\nsteps: {a/b: {model: m, images: {image: '{previous}'}}}", `7:9: "a/b" is not the name of a step; use letters, digits, - _ and .`},
		"steps as a list":                  {"items: [{id: a}]\nsteps: [one]", `7:8: steps must be a group of fields, not a list`},
		"steps under one name": {"items: [{id: a}, {id: b}]\nsteps: {one: {model: " + cutModel + ", images: {image: '{previous}'}, output: 'x.{ext}'}}",
			`6:18: output "x.{ext}" is also written by m.yaml:6:9; make the names differ, with a variable, {id}, {n} or {hash8}`},
		"step under a row's name": {"items: [{id: a}, {id: a-one}]\nsteps: {one: {model: " + cutModel + ", images: {image: '{previous}'}}}",
			`6:18: output "a-one.{ext}" is also written by m.yaml:6:9; make the names differ, with a variable, {id}, {n} or {hash8}`},
		"step under too long a name": {"items: [{id: " + strings.Repeat("a", 193) + "}]\nsteps: {one: {model: " + cutModel + ", images: {image: '{previous}'}}}",
			`7:9: output has a name of 203 bytes; at most 200 fit: "` + strings.Repeat("a", 59) + `…"; use shorter variables`},
		"step of several images": {"items: [{id: a, samples: 2, output: '{id}-{n}.{ext}'}]\nsteps: {one: {model: " + cutModel + ", images: {image: '{previous}'}, output: '{id}-x.{ext}', when: picked}}",
			`7:91: the 2 images of step one would have one name; add {n}, the number of the image that the step is made of`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Dir(openAmong(t, "ok.yaml", pictureHead+"items: [{id: a}]\n").Path)
			path := filepath.Join(folder, "m.yaml")
			if err := os.WriteFile(path, []byte(pictureHead+c.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := manifest.Open(path)
			if err == nil {
				_, err = picturePlan(t, m, plan.Options{})
			}
			problems, ok := errors.AsType[*document.Problems](err)
			if !ok {
				t.Fatalf("error %v, want problems", err)
			}
			got := strings.ReplaceAll(problems.Error(), folder+string(filepath.Separator), "")
			if want := "m.yaml:" + strings.ReplaceAll(c.want, "\n", "\nm.yaml:"); got != want {
				t.Errorf("problems:\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// What jobs take is named by content or maker, and makes another job where it changes.
func TestPicturesAmongInputs(t *testing.T) {
	t.Parallel()
	const text = `references: {hero: hero.png}
defaults: {images: {referenceImages: [hero, same.png]}}
items:
  - {id: a}
  - {id: b, needs: c, images: {referenceImages: ["{needs}", "{id}.png"]}}
  - {id: c, images: {referenceImages: asset_1}}
`
	m := openAmong(t, "m.yaml", "version: 1\nname: m\nmodel: model_lantern\nprompt: a lantern\n"+text)
	folder := filepath.Dir(m.Path)
	write := func(name string, shade byte) {
		if err := os.WriteFile(filepath.Join(folder, name), grayPNG(t, 16, 16, shade), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() map[string]plan.PlannedJob {
		p, err := picturePlan(t, m, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		jobs := map[string]plan.PlannedJob{}
		for _, j := range all(t, p) {
			jobs[j.Row] = j
		}
		if files := p.ReferenceFiles(); len(files) != 2 || p.References.Files != 2 {
			t.Errorf("files to upload: %+v", files)
		}
		return jobs
	}
	write("b.png", 9)
	first := read()
	hero, own := pictureOf(t, filepath.Join(folder, "hero.png")), pictureOf(t, filepath.Join(folder, "b.png"))
	for row, want := range map[string][]any{
		"a": {hero, hero}, "b": {job.Picture{Job: first["c"].ID}.String(), own}, "c": {"asset_1"},
	} {
		if diff := cmp.Diff(want, first[row].Inputs["referenceImages"]); diff != "" {
			t.Errorf("%s takes (-want +got):\n%s", row, diff)
		}
	}
	if first["b"].Index < first["c"].Index {
		t.Error("b is planned before c, which it needs")
	}
	write("b.png", 10)
	second := read()
	if first["a"].ID != second["a"].ID || first["c"].ID != second["c"].ID || first["b"].ID == second["b"].ID {
		t.Error("another file must make another job of its row, and of that alone")
	}
	write("b.png", 9)
	if again := read(); again["b"].ID != first["b"].ID {
		t.Error("the first file again must make the first job again")
	}
}

func pictureOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(content))
}

// Columns of tables and rows of JSONL give pictures, too.
func TestPicturesOfTables(t *testing.T) {
	t.Parallel()
	const columns = "id,model,prompt,images.referenceImages,images.mask\n"
	for name, c := range map[string]struct{ file, text, want string }{
		"JSONL":          {"m.jsonl", row(`"images": {"referenceImages": ["hero.png", "asset_1"]}`), `["hero","asset_1"]`},
		"CSV, one":       {"m.csv", columns + "a,model_lantern,torch,hero.png,\n", `["hero"]`},
		"CSV, a list":    {"m.csv", columns + `a,model_lantern,torch,"[""hero.png"", ""asset_1""]",hero.png` + "\n", `["hero","asset_1"]`},
		"CSV, none":      {"m.csv", columns + "a,model_lantern,torch,,\n", `null`},
		"CSV, a problem": {"m.csv", columns + "a,model_lantern,torch,nothere.png,\n", `m.csv:2:23: picture nothere.png: there is no such file; give a whole PNG, JPEG or WebP file; its path starts at the folder of the manifest`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := openAmong(t, c.file, c.text)
			got := ""
			if p, err := picturePlan(t, m, plan.Options{}); err != nil {
				got = strings.ReplaceAll(err.Error(), filepath.Dir(m.Path)+string(filepath.Separator), "")
			} else {
				written, err := json.Marshal(all(t, p)[0].Inputs["referenceImages"])
				if err != nil {
					t.Fatal(err)
				}
				got = strings.ReplaceAll(string(written), pictureOf(t, filepath.Join(filepath.Dir(m.Path), "hero.png")), "hero")
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A job is made of the first picture that it takes, so the plan keeps the order of the manifest.
func TestOrderOfPictures(t *testing.T) {
	t.Parallel()
	m := openAmong(t, "m.yaml", pictureHead+"items: [{id: a, images: {referenceImages: hero, mask: hero}}]\n")
	p, err := picturePlan(t, m, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(all(t, p)[0].PictureInputs, " "); got != "referenceImages mask" {
		t.Errorf("the inputs with pictures are %q", got)
	}
}

// A step that waits for a pick is a job for each image of its row, and those after it follow.
func TestStepsOfSeveralImages(t *testing.T) {
	t.Parallel()
	const steps = `items: [{id: a, samples: 2, output: "{id}-{n}.{ext}"}]
steps:
  cut: {model: model_bria-remove-background, images: {image: "{previous}"}, output: "{id}-{n}-cut.{ext}", when: picked}
  up: {model: model_recraft-crisp-upscale, images: {image: "{cut}"}}
`
	m := openAmong(t, "m.yaml", pictureHead+steps)
	picked := map[int]bool{}
	rows := func() string {
		p, err := picturePlan(t, m, plan.Options{Marks: func(image job.Picture) job.Mark {
			if picked[image.Image+1] {
				return job.Picked
			}
			return job.Unmarked
		}})
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, j := range all(t, p) {
			said = append(said, fmt.Sprintf("%s %s %s", j.Row, strings.Join(j.Outputs, "+"), j.Status))
		}
		return strings.Join(said, "\n")
	}
	want := `a a-1.{ext}+a-2.{ext} new
a/cut/1 a-1-cut.{ext} waiting
a/cut/2 a-2-cut.{ext} waiting
a/up/1 a-1-up.{ext} waiting
a/up/2 a-2-up.{ext} waiting`
	if diff := cmp.Diff(want, rows()); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	picked[2] = true
	want = strings.ReplaceAll(want, "a-2-cut.{ext} waiting", "a-2-cut.{ext} new")
	want = strings.ReplaceAll(want, "a-2-up.{ext} waiting", "a-2-up.{ext} new")
	if diff := cmp.Diff(want, rows()); diff != "" {
		t.Errorf("jobs once image 2 is picked (-want +got):\n%s", diff)
	}
}

// A plan names a picture by its hash, and says beside it what the manifest calls it.
func TestPicturesKeepTheirNames(t *testing.T) {
	t.Parallel()
	m := openAmong(t, "m.yaml", pictureHead+`items: [{id: a, images: {referenceImages: [hero]}}, {id: b}]
`)
	p, err := picturePlan(t, m, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	jobs := all(t, p)
	var names []string
	for value, name := range jobs[0].PictureNames {
		names = append(names, name)
		if taken := jobs[0].Pictures(); len(taken) != 1 || taken[0].String() != value {
			t.Errorf("the job takes %v, and names %s", taken, value)
		}
	}
	if diff := cmp.Diff([]string{"hero (hero.png)"}, names); diff != "" || jobs[1].PictureNames != nil {
		t.Errorf("names (-want +got):\n%s; of a job that takes none: %v", diff, jobs[1].PictureNames)
	}
}

// What a cap lets through is told with what is made of what: a step is cheap, and does not run
// without its row.
func TestStepsOfRowsThatDoNotFit(t *testing.T) {
	t.Parallel()
	m := openAmong(t, "m.yaml", pictureHead+`items: [{id: a, model: model_bfl-flux-1-dev, parameters: {width: 512, height: 512}}]
steps: {cut: {model: model_bria-remove-background, images: {image: "{previous}"}}}
`)
	p, err := picturePlan(t, m, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var prices []job.CU
	for _, shape := range p.Shapes {
		prices = append(prices, shape.Each)
	}
	if len(prices) != 2 || prices[0] <= prices[1] {
		t.Fatalf("the prices are %v", prices)
	}
	capped := plan.Options{Limits: plan.Limits{Parallel: 4, Caps: []plan.Cap{{Scope: "batch budget", CU: prices[1]}}}}
	if p, err = picturePlan(t, m, capped); err != nil {
		t.Fatal(err)
	}
	if p.Forecast.Jobs != 0 || p.Forecast.Scope != "batch budget" {
		t.Errorf("%d jobs fit, kept back by %q", p.Forecast.Jobs, p.Forecast.Scope)
	}
}
