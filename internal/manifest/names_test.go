package manifest

import (
	"fmt"
	"testing"

	"nightshift/internal/document"
)

// collide runs both passes over the names and returns the problems.
func collide(outputs []string) []string {
	names := NewNames()
	for _, name := range outputs {
		names.Add(name)
	}
	var found []string
	if names.Suspects() == 0 {
		return nil
	}
	for i, name := range outputs {
		if problem := names.Confirm(name, document.Place{File: "m", Line: i + 1}); problem != nil {
			found = append(found, problem.Place.String()+" "+problem.Message)
		}
	}
	return found
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		outputs []string
		want    []string
	}{
		{"different", []string{"a.png", "b.png", "a/b.png", "ab.png"}, nil},
		{"equal", []string{"a.png", "b.png", "a.png"}, []string{`m:3 output "a.png" is also written by m:1`}},
		{"three", []string{"a.png", "a.png", "a.png"}, []string{
			`m:2 output "a.png" is also written by m:1`,
			`m:3 output "a.png" is also written by m:1`,
		}},
		{"case", []string{"Ä.png", "ä.png"}, []string{`m:2 output "ä.png" would overwrite "Ä.png" of m:1 on some systems`}},
		{"extension", []string{"a.{ext}", "a.webp"}, []string{`m:2 output "a.webp" would overwrite "a.{ext}" of m:1 on some systems`}},
		{"folder after file", []string{"a.png", "a.png/b.png"}, []string{
			`m:2 output "a.png/b.png" and output "a.png" of m:1 need the same name as file and as folder`,
		}},
		{"folder before file", []string{"x/a.png/b.png", "x/a.{ext}"}, []string{
			`m:2 output "x/a.{ext}" and output "x/a.png/b.png" of m:1 need the same name as file and as folder`,
		}},
		{"deep folder", []string{"x/a.png/c/d/b.png", "x/a.jpg"}, []string{
			`m:2 output "x/a.jpg" and output "x/a.png/c/d/b.png" of m:1 need the same name as file and as folder`,
		}},
		{"shared folders", []string{"a.png/b.png", "a.png/c.png"}, nil},
		{"plain folder beside file", []string{"a.png", "a/b.png"}, nil},
		{"no file", []string{"a.txt/b.png", "a.png"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := collide(test.outputs)
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestNamesFalseHit makes two names suspect as equal hashes would; without a true
// collision nothing may be reported.
func TestNamesFalseHit(t *testing.T) {
	t.Parallel()
	names := NewNames()
	names.Add("a.png")
	names.Add("b.png")
	for _, name := range []string{"a", "b"} {
		names.suspects[hashOf(names, name)] = nil
	}
	for _, name := range []string{"a.png", "b.png"} {
		if problem := names.Confirm(name, document.Place{}); problem != nil {
			t.Errorf("a false hit is reported: %v", problem)
		}
	}
}

func TestNamesMany(t *testing.T) {
	t.Parallel()
	const count = 300_000
	names := NewNames()
	for i := range count {
		names.Add(fmt.Sprintf("icons/%07d.{ext}", i))
	}
	if names.Suspects() != 0 {
		t.Errorf("%d suspects among different names", names.Suspects())
	}
	names.Add("icons/0123456.png")
	if names.Suspects() != 1 {
		t.Errorf("%d suspects, want the one name that was added twice", names.Suspects())
	}
	if bytes := len(names.files.table) * 8; bytes > 24*count {
		t.Errorf("%d names take %d bytes", count, bytes)
	}
}

func BenchmarkNamesAdd(b *testing.B) {
	const count = 1_000_000
	outputs := make([]string, count)
	for i := range outputs {
		outputs[i] = fmt.Sprintf("icons/row-%07d.{ext}", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		names := NewNames()
		for _, name := range outputs {
			names.Add(name)
		}
		b.ReportMetric(float64(len(names.files.table)*8)/count, "bytes/name")
	}
	b.ReportMetric(count*float64(b.N)/b.Elapsed().Seconds(), "names/s")
}
