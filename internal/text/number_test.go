package text

import "testing"

func TestNumbers(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Number(0): "0", Number(999): "999", Number(1000): "1,000", Number(1234567): "1,234,567", Number(-1234): "-1,234",
		Thousands("1234567.89"): "1,234,567.89", Thousands("-1234.5"): "-1,234.5",
		Count(0, "image"): "0 images", Count(1, "image"): "1 image", Count(2000, "image"): "2,000 images",
		Brackets(""): "", Brackets("a"): " (a)",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"jobs/potion-icons.yaml": "jobs/potion-icons.yaml", "зелье_1@2.yaml": "зелье_1@2.yaml", "": "''",
		"a b": "'a b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "a;b": "'a;b'", "`x`": "'`x`'",
	} {
		if got := Quote(name); got != want {
			t.Errorf("%q is quoted as %s, want %s", name, got, want)
		}
	}
}
