package pool

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/admission"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/provider"
	"nightshift/internal/redistest"
)

// What the caps of keys leave adds up; where one of them has none, those of the others bind
// nothing.
func TestHeadroom(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	cu := func(n job.CU) *job.CU { n *= job.OneCU; return &n }
	cases := map[string]struct {
		caps map[string]config.CUCaps // of keys, by id
		want []job.Headroom           // without times
	}{
		"no caps":               {map[string]config.CUCaps{"a": {}}, nil},
		"one for good":          {map[string]config.CUCaps{"a": {Total: cu(100)}}, []job.Headroom{{Left: 90 * job.OneCU}}},
		"one a day":             {map[string]config.CUCaps{"a": {Day: cu(60)}}, []job.Headroom{{Left: 50 * job.OneCU, Each: 60 * job.OneCU, Period: day}}},
		"the tighter of two":    {map[string]config.CUCaps{"a": {Total: cu(30), Day: cu(60)}}, []job.Headroom{{Left: 20 * job.OneCU}}},
		"two keys a day":        {map[string]config.CUCaps{"a": {Day: cu(60)}, "b": {Day: cu(40)}}, []job.Headroom{{Left: 90 * job.OneCU, Each: 100 * job.OneCU, Period: day}}},
		"one a day, one not":    {map[string]config.CUCaps{"a": {Day: cu(60)}, "b": {Total: cu(40)}}, []job.Headroom{{Left: 90 * job.OneCU, Each: 60 * job.OneCU, Period: day}}},
		"one of two has none":   {map[string]config.CUCaps{"a": {Day: cu(60)}, "b": {}}, nil},
		"spent beyond its caps": {map[string]config.CUCaps{"a": {Total: cu(5)}}, []job.Headroom{{}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, client := redistest.Emulator(t)
			var keys []config.APIKey
			for id, caps := range c.caps {
				keys = append(keys, config.APIKey{ID: id, Project: "p", Team: "t", Limits: config.Limits{CU: caps}})
			}
			keyring, err := NewKeyring(func(config.APIKey) (provider.Account, error) { return nil, nil }, &config.Keys{}, keys)
			if err != nil {
				t.Fatal(err)
			}
			g := &Limiter{Admission: admission.New(admission.Options{Redis: client, Prefix: "ns"}), Keys: keyring, Requests: 100}
			if err := g.Admission.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			in := admission.Account{APIKey: "a", Project: "p", Team: "t"}
			if err := g.Admission.Seed(t.Context(), in, "test/m", time.Now(), 10*job.OneCU); err != nil {
				t.Fatal(err)
			}
			if err := g.Admission.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := g.Headroom(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if renews := !got[i].Renews.IsZero(); renews != (got[i].Period > 0) {
					t.Errorf("it renews at %s, with a period of %s", got[i].Renews, got[i].Period)
				}
				got[i].Renews = time.Time{}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("headroom (-want +got):\n%s", diff)
			}
		})
	}
}
