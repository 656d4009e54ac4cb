package batchtest

import (
	"os"
	"testing"

	"nightshift/internal/bucket"
)

// Local is a real bucket in a folder that ends with the test.
func Local(t testing.TB) *bucket.Local {
	t.Helper()
	local, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return local
}

// ReadFile reads an object of it.
func ReadFile(t testing.TB, local *bucket.Local, key string) string {
	t.Helper()
	data, err := os.ReadFile(local.Path(key))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// WriteFile writes one over.
func WriteFile(t testing.TB, local *bucket.Local, key, text string) {
	t.Helper()
	if err := os.WriteFile(local.Path(key), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
