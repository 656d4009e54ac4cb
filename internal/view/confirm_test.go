package view

import (
	"slices"
	"testing"

	"nightshift/internal/batch"
	"nightshift/internal/fleet"
)

func TestUnconfirmed(t *testing.T) {
	t.Parallel()
	o := &batch.Submission{ID: "2-abc", Batch: "icons"}
	paused, going := o.Version(batch.ControlPause), o.Version(batch.ControlGo)
	tests := map[string]struct {
		beat   fleet.Heartbeat
		silent bool
	}{
		"it has heard":                        {fleet.Heartbeat{News: 7, Versions: map[string]string{"icons": paused}}, false},
		"it has heard and more":               {fleet.Heartbeat{News: 9, Versions: map[string]string{"icons": paused}}, false},
		"it has not looked":                   {fleet.Heartbeat{News: 6, Versions: map[string]string{"icons": going}}, true},
		"it still sends":                      {fleet.Heartbeat{News: 7, Versions: map[string]string{"icons": going}}, true},
		"it does not know the batch":          {fleet.Heartbeat{News: 7}, false},
		"it may be reading the batch":         {fleet.Heartbeat{News: 6}, true},
		"it works on an earlier submission":   {fleet.Heartbeat{News: 7, Versions: map[string]string{"icons": "1-abc go"}}, true},
		"it knows another batch by that name": {fleet.Heartbeat{News: 7, Versions: map[string]string{"test/icons": going}}, false},
	}
	for name, test := range tests {
		test.beat.Worker = name
		got := unconfirmed([]fleet.Heartbeat{test.beat}, o, batch.ControlPause, 7)
		if slices.Contains(got, name) != test.silent {
			t.Errorf("%s: silent are %v", name, got)
		}
	}
}
