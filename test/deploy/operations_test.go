package deploy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var series = regexp.MustCompile("(?m)^\\| (`nightshift_[^|]*)\\|")

// The table of docs/operations.md names what a worker tells, and nothing else.
func TestEveryMetricIsDescribed(t *testing.T) {
	t.Parallel()
	var described []string
	for _, row := range series.FindAllStringSubmatch(string(read(t, operationsFile)), -1) {
		described = append(described, metricName.FindAllString(row[1], -1)...)
	}
	names := told(t)
	for _, name := range described {
		if !slices.Contains(names, name) {
			t.Errorf("%s is described, and no worker tells it", name)
		}
	}
	for _, name := range names {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if !slices.Contains(described, base) {
			t.Errorf("%s is not described in %s", name, operationsFile)
		}
	}
}
