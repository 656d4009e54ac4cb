package picture

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "golang.org/x/image/webp"
)

// samples are prompts that take every way through the package.
var samples = []string{
	"health potion, hand painted, soft light", "mana potion icon", "abstract quiet thought", "",
	"a small wooden cabin in a snowy forest", "neon city at night", "sunset over mountains", "pirate ship on the ocean",
	"sailing island beach", "pixel art key", "rocket in space", "desert dunes", "mushroom in a meadow",
	"spellbook and crown and ring", "cat portrait", "portrait", "日本語の絵",
}

func TestDrawIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	for _, prompt := range samples {
		spec := Spec{Model: "m", Prompt: prompt, Seed: 7, Width: 200, Height: 130}
		if !bytes.Equal(Draw(spec).Pix, Draw(spec).Pix) {
			t.Errorf("%q was drawn in two ways", prompt)
		}
	}
}

func TestDrawDependsOnEveryPartOfTheSpec(t *testing.T) {
	t.Parallel()
	base := Spec{Model: "m", Prompt: "a sword", Seed: 7, Width: 96, Height: 96}
	for name, change := range map[string]func(*Spec){
		"model":  func(s *Spec) { s.Model = "n" },
		"prompt": func(s *Spec) { s.Prompt = "a shield" },
		"seed":   func(s *Spec) { s.Seed = 8 },
		"index":  func(s *Spec) { s.Index = 1 },
	} {
		changed := base
		change(&changed)
		if bytes.Equal(Draw(base).Pix, Draw(changed).Pix) {
			t.Errorf("the picture does not depend on the %s", name)
		}
	}
}

// TestDrawIsOpaqueInAnySize goes through sizes that are smaller than a thing that is
// drawn, odd, and long in one direction.
func TestDrawIsOpaqueInAnySize(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{1, 1}, {16, 300}, {161, 81}, {700, 33}, {333, 250}} {
		for _, prompt := range samples {
			img := Draw(Spec{Prompt: prompt, Width: size.X, Height: size.Y})
			if diff := cmp.Diff(size, img.Bounds().Size()); diff != "" {
				t.Errorf("%q at %v: size (-want +got):\n%s", prompt, size, diff)
			}
			if !img.Opaque() {
				t.Errorf("%q at %v has holes", prompt, size)
			}
		}
	}
}

func TestEncodeMakesFilesOfTheFormat(t *testing.T) {
	t.Parallel()
	img := Draw(Spec{Prompt: "a coin", Width: 120, Height: 72})
	for _, format := range []Format{PNG, JPEG, WebP} {
		var buffer bytes.Buffer
		if err := Encode(&buffer, img, format); err != nil {
			t.Fatal(err)
		}
		config, name, err := image.DecodeConfig(&buffer)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if diff := cmp.Diff([]any{string(format), 120, 72}, []any{name, config.Width, config.Height}); diff != "" {
			t.Errorf("decoded (-want +got):\n%s", diff)
		}
	}
	if err := Encode(&bytes.Buffer{}, img, "tiff"); err == nil {
		t.Error("an unknown format was encoded")
	}
}

func TestEveryWordHasLayersInKnownTones(t *testing.T) {
	t.Parallel()
	tones := choosePalette(nil, Spec{}.random()).tones
	for word, subject := range subjectsByWord() {
		if len(subject.layers) == 0 {
			t.Errorf("%q shows nothing", word)
		}
		if singular(word) != word && subjectsByWord()[singular(word)] == nil {
			t.Errorf("%q is never found, because words are looked up without their s", word)
		}
		for _, layer := range subject.layers {
			if _, known := tones[layer.tone]; !known {
				t.Errorf("%q has a layer in the unknown tone %q", word, layer.tone)
			}
		}
	}
}

func TestSubjectsOfPrompts(t *testing.T) {
	t.Parallel()
	byWord := subjectsByWord()
	for prompt, want := range map[string][]*subject{
		"two Swords, crossed":           {byWord["sword"]},
		"a key, a coin and another key": {byWord["key"], byWord["coin"]},
		"portrait of a cat":             {byWord["cat"]},
		"portrait":                      {byWord["portrait"]},
		"quiet":                         nil,
	} {
		if got := read(prompt).subjects(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q shows %v, want %v", prompt, got, want)
		}
	}
}

func TestParsePathComplains(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"M 1", "X 1 2", "M a b"} {
		if _, err := parsePath(text); err == nil {
			t.Errorf("path %q was taken", text)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	for _, side := range []int{64, 512, 1024} {
		b.Run(fmt.Sprint(side), func(b *testing.B) {
			for b.Loop() {
				Draw(Spec{Prompt: "a small wooden cabin in a snowy forest", Width: side, Height: side})
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	img := Draw(Spec{Prompt: "a small wooden cabin in a snowy forest", Width: 512, Height: 512})
	for _, format := range []Format{PNG, JPEG, WebP} {
		b.Run(string(format), func(b *testing.B) {
			var buffer bytes.Buffer
			for b.Loop() {
				buffer.Reset()
				if err := Encode(&buffer, img, format); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(buffer.Len()), "bytes")
		})
	}
}
