package config

import (
	"net/url"
	"strings"
)

// LiveURL is the Scenario API, used in live mode unless SCENARIO_API_URL is set.
const LiveURL = "https://api.cloud.scenario.com/v1"

// liveDomain is the domain of all hosts of the live API.
const liveDomain = "scenario.com"

// IsLiveURL reports whether requests to an address reach the live API, where they are paid
// with real money, however the address is written.
func IsLiveURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return host == liveDomain || strings.HasSuffix(host, "."+liveDomain)
}
