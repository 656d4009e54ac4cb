package manifest_test

import (
	"encoding/json"
	"testing"
	"time"

	"nightshift/internal/manifest"
)

// TestWindowKeepsItsZone: an order is read by other machines than the one that made it.
func TestWindowKeepsItsZone(t *testing.T) {
	t.Parallel()
	window, err := manifest.ParseWindow("22:00-06:30", "America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]*manifest.Window{"window": window})
	if err != nil {
		t.Fatal(err)
	}
	var read struct{ Window *manifest.Window }
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if read.Window.String() != window.String() {
		t.Errorf("after %s the window is %s, was %s", text, read.Window, window)
	}
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	if got, want := read.Window.Next(noon), window.Next(noon); !got.Equal(want) {
		t.Errorf("it opens at %s, want %s", got, want)
	}
	if err := json.Unmarshal([]byte(`{"from":"22h0m0s","to":"6h0m0s","zone":"Nowhere/Atall"}`), read.Window); err == nil {
		t.Error("an unknown zone is taken")
	}
}
