package pool

import (
	"fmt"

	"nightshift/internal/config"
	"nightshift/internal/job"
)

// SimulatorWord is key and secret of a simulator that was given no others.
const SimulatorWord = "sim"

// checkMode keeps test batches away from what is paid with real money, and live ones from
// what is made up for tests.
func checkMode(keys []config.APIKey, mode job.Mode) error {
	for _, key := range keys {
		live := config.IsLiveURL(key.URL)
		switch {
		case mode == job.Test && live:
			return &job.HintedError{
				Err: fmt.Errorf("the batch is of mode test, and API key %s leads to the live API at %s, where it would be paid", key.ID, HostOf(key.URL)),
				Hint: "take out " + config.URLVariable + " for the built-in simulator, or let it name a simulator; write mode: live into the manifest for " +
					"the live API",
			}
		case mode == job.Live && live && key.Key == SimulatorWord && key.Secret == SimulatorWord:
			return &job.HintedError{
				Err:  fmt.Errorf("the batch is of mode live, and API key %s is that of the simulator, which the live API does not know", key.ID),
				Hint: "give " + config.KeyVariable + " and " + config.SecretVariable + " a key of the live API, or write mode: test into the manifest",
			}
		}
	}
	return nil
}

// notLive refuses the key of the environment to a test batch if the keys file says that it
// is a live one.
func notLive(s config.Settings, rules *config.Keys) error {
	if s.URL == "" || s.Key == "" { // it is not used
		return nil
	}
	for _, pool := range rules.Pools {
		for _, key := range pool {
			if key.Mode == job.Live && key.Key == s.Key {
				return &job.HintedError{
					Err:  fmt.Errorf("the batch is of mode test, and %s is the live API key %s of the keys file", config.KeyVariable, key.ID),
					Hint: "add a key of mode test to the keys file, or take out " + config.URLVariable + " for the built-in simulator",
				}
			}
		}
	}
	return nil
}
