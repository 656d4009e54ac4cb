package bucket_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/bucket"
	"nightshift/internal/s3test"
)

// TestProbeMistakesNoTroubleForAWayOfTheServer lets each of the probe's requests fail
// in turn. What passes must not be found out.
func TestProbeMistakesNoTroubleForAWayOfTheServer(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	want := probe(t, newS3(t, server))
	faults := map[string]between{
		"internal error": answer(500, "InternalError"), "reset": reset, "lost answer": loseAnswer,
	}
	for name, fault := range faults {
		for first := range 20 { // more than a probe sends
			t.Run(fmt.Sprintf("%s, number %d", name, first), func(t *testing.T) {
				t.Parallel()
				var seen atomic.Int64
				late := newTrouble(func(r *http.Request) bool {
					return r.Method != http.MethodDelete && seen.Add(1) > int64(first)
				}, fault, 1)
				found, err := newS3(t, server, through(late.see)).Probe(t.Context())
				if diff := cmp.Diff(want, found); err == nil && diff != "" || err != nil && !bucket.Away(err) {
					t.Errorf("Probe = %v (-want +got):\n%s", err, diff)
				}
			})
		}
	}
}
