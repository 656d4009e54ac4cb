package job_test

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"nightshift/internal/job"
)

func TestParseCUIsExact(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want job.CU
	}{
		{"0", 0},
		{"0.000", 0},
		{"9", 9 * job.OneCU},
		{"10.75", 10_750},
		{"010.750", 10_750},
		{" 3.5\n", 3_500},
		{".5", 500},
		{"7.", 7_000},
		{"0.1", 100}, // no float holds it
		{"0.3", 300},
		{"8.2", 8_200},
		{"1e1", 10_000},
		{"1E+1", 10_000},
		{"1.075e1", 10_750},
		{"10750e-3", 10_750},
		{"1e-3", 1},
		{"0e18", 0},
		{"0.000000000000000001e18", 1_000},
		{"4503599627370.496", 1 << 52}, // the largest amount
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			got, err := job.ParseCU(test.text)
			if err != nil || got != test.want {
				t.Errorf("ParseCU(%q) = %d milli-CU, %v; want %d", test.text, got, err, test.want)
			}
		})
	}
}

func TestParseCURoundsUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want job.CU
	}{
		{"0.0001", 1},
		{"1e-18", 1},
		{"0.0010", 1},
		{"0.00100000000000000000000000001", 2},
		{"10.7500001", 10_751},
		{"10.7509", 10_751},
		{"0.9999", 1_000},
		{"12345e-6", 13},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			got, err := job.ParseCU(test.text)
			if err != nil || got != test.want {
				t.Errorf("ParseCU(%q) = %d milli-CU, %v; want %d", test.text, got, err, test.want)
			}
		})
	}
}

func TestParseCURefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", ".", "e5", ".e1", "-1", "-0", "+1", "1.2.3", "1,5", "1_000", "0x10", "ten", "10 CU", "1 0", "1a1", "NaN", "Inf",
		"null", `"1"`, "٣", "1e", "1ee1", "1ex", "1e19", "1e-19", "1e99999999999999999999",
		"4503599627370.497", "4503599627371", "1e13", "1e18", "99999999999999999999999999",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := job.ParseCU(text)
			if err == nil || got != 0 {
				t.Fatalf("ParseCU(%q) = %d milli-CU, %v; want an error", text, got, err)
			}
			if !strings.Contains(err.Error(), strconv.Quote(text)) {
				t.Errorf("error %q does not show %q", err, text)
			}
		})
	}
}

func TestCUString(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		amount job.CU
		want   string
	}{
		{0, "0"}, {1, "0.001"}, {10, "0.01"}, {100, "0.1"}, {1_000, "1"}, {1_001, "1.001"}, {10_750, "10.75"}, {100_000, "100"},
		{-1, "-0.001"}, {-10_750, "-10.75"}, {-2_000, "-2"}, {1 << 52, "4503599627370.496"},
	} {
		t.Run(test.want, func(t *testing.T) {
			t.Parallel()
			if got := test.amount.String(); got != test.want {
				t.Errorf("String of %d milli-CU = %q, want %q", int64(test.amount), got, test.want)
			}
		})
	}
}

func TestCUJSON(t *testing.T) {
	t.Parallel()
	type bill struct {
		Total job.CU  `json:"total"`
		Cap   *job.CU `json:"cap"`
	}
	data, err := json.Marshal(bill{Total: 10_750})
	if err != nil || string(data) != `{"total":10.75,"cap":null}` {
		t.Errorf("encoded %s, %v", data, err)
	}
	for _, test := range []struct {
		text string
		want job.CU
	}{
		{`{"total":10.75}`, 10_750},
		{`{"total":"10.75"}`, 10_750},
		{`{"total":1.075e+1}`, 10_750},
		{`{"total":0.1}`, 100},
		{`{"total":null}`, 42},
		{`{}`, 42},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			got := bill{Total: 42}
			if err := json.Unmarshal([]byte(test.text), &got); err != nil || got.Total != test.want {
				t.Errorf("decoded %d milli-CU, %v; want %d", got.Total, err, test.want)
			}
		})
	}
}

func TestCUJSONRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`-1`, `true`, `"ten"`, `""`, `[1]`, `{}`, `1e300`} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			amount := job.CU(42)
			if err := json.Unmarshal([]byte(text), &amount); err == nil || amount != 42 {
				t.Errorf("decoded %d milli-CU, %v; want an error and no change", amount, err)
			}
		})
	}
}

// decimalText is what the fuzzer compares with math/big: what ParseCU promises to
// read. Exponents keep to what it reads, or big numbers would fill the memory.
var decimalText = regexp.MustCompile(`^([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$`)

// FuzzParseCU compares every amount with exact arithmetic, and reads it again from
// its own text.
func FuzzParseCU(f *testing.F) {
	for _, seed := range []string{
		"0", "10.75", "0.0001", "1e1", "1.5E-3", "00012.3400", "4503599627370.496", ".5", "7.", "9.9999999e-9",
	} {
		f.Add(seed)
	}
	limit := big.NewInt(1 << 52)
	f.Fuzz(func(t *testing.T, text string) {
		if !decimalText.MatchString(text) {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("math/big does not read %q", text)
		}
		want := ceiling(exact.Mul(exact, big.NewRat(int64(job.OneCU), 1)))
		if want.Cmp(limit) > 0 || exponent(text) > 18 {
			return
		}
		got, err := job.ParseCU(text)
		if err != nil || want.Cmp(big.NewInt(int64(got))) != 0 {
			t.Fatalf("ParseCU(%q) = %d milli-CU, %v; want %s", text, got, err, want)
		}
		if again, err := job.ParseCU(got.String()); err != nil || again != got {
			t.Errorf("ParseCU(%q) = %d milli-CU, %v; want %d", got.String(), again, err, got)
		}
	})
}

func ceiling(r *big.Rat) *big.Int {
	whole, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return whole
}

// exponent is the size of a text's exponent; ParseCU reads those up to 18.
func exponent(text string) int {
	at := strings.IndexAny(text, "eE")
	size, _ := strconv.Atoi(strings.TrimLeft(text[at+1:], "+-0"))
	if at < 0 {
		return 0
	}
	return size
}
