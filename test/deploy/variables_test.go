package deploy_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/config"
)

// isKnownVariable tells whether a program reads this variable: by config.Settings,
// by the AWS SDK, or by Go itself.
func isKnownVariable(name string) bool {
	for field := range reflect.TypeFor[config.Settings]().Fields() {
		if known, _, _ := strings.Cut(field.Tag.Get("env"), ","); known == name {
			return true
		}
	}
	return name == "GOMEMLIMIT" || slices.Contains([]string{
		"AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_CA_BUNDLE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	}, name)
}

// checkVariables complains of variables that no program reads and of values that
// config refuses.
func checkVariables(t *testing.T, variables map[string]string) {
	t.Helper()
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if !isKnownVariable(name) {
			t.Errorf("no program reads %s", name)
		}
		environ = append(environ, name+"="+variables[name])
	}
	if _, err := config.Load(environ); err != nil {
		t.Errorf("the settings are refused: %v", err)
	}
}
