package job_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"nightshift/internal/job"
)

// reference encodes inputs by way of encoding/json, as Canonical promises to.
func reference(tb testing.TB, in job.Inputs) string {
	tb.Helper()
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any(in)); err != nil {
		tb.Fatalf("encode %#v: %v", in, err)
	}
	return strings.TrimSuffix(buffer.String(), "\n")
}

func TestCanonicalWritesWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		in   job.Inputs
		want string
	}{
		{"nil", nil, `null`},
		{"empty", job.Inputs{}, `{}`},
		{"sorted names", job.Inputs{"b": true, "a": false, "B": nil, "": "x"}, `{"":"x","B":null,"a":false,"b":true}`},
		{"sorted by bytes", job.Inputs{"é": "1", "z": "2", "😀": "3", "\uffff": "4"}, "{\"z\":\"2\",\"é\":\"1\",\"\uffff\":\"4\",\"😀\":\"3\"}"},
		{"no HTML escapes", job.Inputs{"p": `<b> & "co"</b>`}, `{"p":"<b> & \"co\"</b>"}`},
		{"control characters", job.Inputs{"p": "\x00\b\t\n\v\f\r\x1f\x7f"}, `{"p":"\u0000\b\t\n\u000b\f\r\u001f` + "\x7f" + `"}`},
		{"backslash", job.Inputs{`a\b`: `c:\d`}, `{"a\\b":"c:\\d"}`},
		{"line separators", job.Inputs{"p": "a\u2028b\u2029c\u2027d"}, "{\"p\":\"a\\u2028b\\u2029c\u2027d\"}"},
		{"unusual runes", job.Inputs{"p": "日本 é e\u0301 😀 \ufeff \U0010ffff \ufffd"}, "{\"p\":\"日本 é e\u0301 😀 \ufeff \U0010ffff \ufffd\"}"},
		{"broken UTF-8", job.Inputs{"p": "a\xffb\xe2\x80", "\xc3": "x"}, `{"p":"a\ufffdb\ufffd\ufffd","\ufffd":"x"}`},
		{"numbers", job.Inputs{"a": json.Number("0"), "b": json.Number("-7"), "c": json.Number("0.25"), "d": json.Number("1e+30"), "e": json.Number("9007199254740993")},
			`{"a":0,"b":-7,"c":0.25,"d":1e+30,"e":9007199254740993}`},
		{"empty number", job.Inputs{"a": json.Number("")}, `{"a":0}`},
		{"nested", job.Inputs{"l": []any{map[string]any{"y": []any{}, "x": nil}, "t", []any{json.Number("1")}}, "o": map[string]any{}},
			`{"l":[{"x":null,"y":[]},"t",[1]],"o":{}}`},
		{"nil list and group", job.Inputs{"l": []any(nil), "o": map[string]any(nil)}, `{"l":null,"o":null}`},
		{"other types", job.Inputs{"f": 1.5, "i": 7, "n": job.Inputs{"b": "<", "a": 1}, "s": []string{"<&>"}}, `{"f":1.5,"i":7,"n":{"a":1,"b":"<"},"s":["<&>"]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := string(test.in.Canonical()); got != test.want {
				t.Errorf("Canonical\n got %s\nwant %s", got, test.want)
			}
			if want := reference(t, test.in); want != test.want {
				t.Errorf("encoding/json\n got %s\nwant %s", want, test.want)
			}
		})
	}
}

// TestCanonicalWithManyNames passes what fits without memory of its own.
func TestCanonicalWithManyNames(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 15, 16, 17, 500} {
		in := job.Inputs{}
		for i := range size {
			in[fmt.Sprintf("name-%d", i)] = strings.Repeat("x", i)
		}
		if got, want := string(in.Canonical()), reference(t, in); got != want {
			t.Errorf("%d names\n got %s\nwant %s", size, got, want)
		}
	}
}

func TestCanonicalRefusesWhatJSONCannotHold(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		make(chan int), json.Number("seven"), json.Number("1."), json.Number(" 1"), json.Number("1 "), json.Number("01"),
		json.Number("-"), json.Number("1 2"), json.Number("0x10"), json.Number("--1"), json.Number("1e5\n"), json.Number("null"),
	} {
		t.Run(fmt.Sprintf("%T %v", value, value), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("Canonical accepted it")
				}
			}()
			job.Inputs{"a": []any{value}}.Canonical()
		})
	}
}

func FuzzCanonicalText(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x00\x1f\x7f", "a\u2028b", "\xff\xed\xa0\x80", `"\`, "<&>", "日本😀", "\xe2\x80"} {
		f.Add(seed, seed+"x")
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		in := job.Inputs{name: value, value: []any{name}}
		if got, want := string(in.Canonical()), reference(t, in); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
}

func FuzzCanonicalDecoded(f *testing.F) {
	for _, seed := range []string{
		`{"b":[1,2.50,-0,1e400,{"x":null}],"a":"\u2028\ud83d"}`, `{"a":{"a":{"a":[[[]]]}}}`, `{"prompt":"a fox","width":512,"hd":true}`, `{"a":1,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := job.DecodeInputs(data)
		if err != nil {
			return
		}
		canonical := in.Canonical()
		if want := reference(t, in); string(canonical) != want {
			t.Fatalf("got %s\nwant %s", canonical, want)
		}
		again, err := job.DecodeInputs(canonical)
		if err != nil {
			t.Fatalf("decode %s again: %v", canonical, err)
		}
		if second := again.Canonical(); !bytes.Equal(second, canonical) {
			t.Errorf("second encoding %s\nfirst %s", second, canonical)
		}
	})
}

// TestCanonicalOfRandomInputs compares deep and wide values with encoding/json.
func TestCanonicalOfRandomInputs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		in := job.Inputs(randomGroup(random, 0))
		if got, want := string(in.Canonical()), reference(t, in); got != want {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	}
}

func randomGroup(random *rand.Rand, depth int) map[string]any {
	group := map[string]any{}
	for range random.IntN(20) {
		group[randomText(random)] = randomValue(random, depth+1)
	}
	return group
}

func randomValue(random *rand.Rand, depth int) any {
	kinds := 7
	if depth > 3 {
		kinds = 5
	}
	switch random.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return random.IntN(2) == 0
	case 2:
		return job.NormalValue(random.NormFloat64() * 1e6)
	case 3:
		return job.NormalValue(random.Int64())
	case 4:
		return randomText(random)
	case 5:
		return randomGroup(random, depth)
	default:
		items := make([]any, random.IntN(4))
		for i := range items {
			items[i] = randomValue(random, depth+1)
		}
		return items
	}
}

// randomText mixes characters of all lengths with those that need an escape.
func randomText(random *rand.Rand) string {
	parts := []string{"a", "Z", " ", `"`, `\`, "/", "<", "&", "\n", "\x01", "\x7f", "é", "日", "😀", "\u2028", "\u2029", "\ufffd", "\xff", "\xe2\x80"}
	var text strings.Builder
	for range random.IntN(8) {
		text.WriteString(parts[random.IntN(len(parts))])
	}
	return text.String()
}

func benchmarkInputs() job.Inputs {
	return job.Inputs{
		"prompt": "a potion bottle number 17, hand painted, soft light, centered on a plain background",
		"width":  json.Number("512"), "height": json.Number("512"), "guidance": json.Number("3.5"), "numOutputs": json.Number("1"),
	}
}

func BenchmarkCanonical(b *testing.B) {
	in := benchmarkInputs()
	b.ReportAllocs()
	for b.Loop() {
		in.Canonical()
	}
}

// BenchmarkCanonicalReflected is what BenchmarkCanonical is measured against.
func BenchmarkCanonicalReflected(b *testing.B) {
	in := benchmarkInputs()
	b.ReportAllocs()
	for b.Loop() {
		reference(b, in)
	}
}
