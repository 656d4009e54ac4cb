package cli

import "testing"

func TestDefused(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"": "", "a fox": "a fox", "-5": "-5", "+1.5e3": "+1.5e3", "-a fox": "'-a fox", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)",
		"=HYPERLINK(\"http://evil\")": "'=HYPERLINK(\"http://evil\")", "\t=1": "'\t=1", "\r=1": "'\r=1", "＝1": "'＝1", "a=1": "a=1", "薬": "薬",
	} {
		if got := defused(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}
