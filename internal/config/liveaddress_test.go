package config

import "testing"

func TestIsLiveURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		LiveURL:                                   true,
		"https://API.Cloud.Scenario.com/v1":       true,
		"https://api.cloud.scenario.com.:443/v1":  true,
		"http://api.scenario.com":                 true,
		"https://scenario.com/v1":                 true,
		"http://127.0.0.1@api.cloud.scenario.com": true,
		"http://127.0.0.1:8090/v1":                false,
		"http://simulator:8090/v1":                false,
		"https://api.cloud.scenario.com@sim/v1":   false,
		"https://notscenario.com/v1":              false,
		"https://api.scenario.com.test/v1":        false,
		"":                                        false,
	} {
		if got := IsLiveURL(address); got != want {
			t.Errorf("IsLiveURL(%q) is %t, want %t", address, got, want)
		}
	}
}
