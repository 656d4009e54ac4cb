package runner

import (
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// pieces is a body that comes in pieces of a size, each after a time.
type pieces struct {
	left, size int
	after      time.Duration
}

func (p *pieces) Read(to []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	p.left--
	time.Sleep(p.after)
	return min(p.size, len(to)), nil
}

// It is told of a body that hardly comes, as often as it does so.
func TestSlowBodiesAreTold(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body pieces
		told []int64
	}{
		"at once":            {body: pieces{3, 500, 0}},
		"slow, but it comes": {body: pieces{100, 200, 5 * time.Second}},
		"it trickles":        {body: pieces{13, 1, 5 * time.Second}, told: []int64{6, 6}},
		"short and slow":     {body: pieces{2, 1, 14 * time.Second}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var told []int64
				body := &slowBody{body: &c.body, tell: func(came int64) { told = append(told, came) }}
				if _, err := io.Copy(io.Discard, body); err != nil || !slices.Equal(told, c.told) {
					t.Errorf("told %v, %v, want %v", told, err, c.told)
				}
			})
		})
	}
}
