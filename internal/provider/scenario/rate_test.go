package scenario

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// countedRate is a request rate that lets everything through, and has refused requests
// made again until it is told of one that was not refused for the rate.
type countedRate struct {
	waits   int
	refused []error
	plenty  bool
	full    error // what Wait returns
}

func (r *countedRate) Wait(context.Context) error {
	r.waits++
	return r.full
}

func (r *countedRate) Refused(_ context.Context, err error) (bool, error) {
	r.refused = append(r.refused, err)
	limit, limited := errors.AsType[*job.LimitError](err)
	return limited && limit.Limit == job.LimitRate, err
}

func (r *countedRate) Plenty(context.Context) bool { return r.plenty }

// Each request but the paid one takes a place in the rate. One that is refused for the
// rate is made again, whole.
func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, provider.Provider) error{
		"model": func(ctx context.Context, p provider.Provider) error { _, err := p.Model(ctx, testModel); return err },
		"quote": func(ctx context.Context, p provider.Provider) error { _, err := p.Quote(ctx, testRequest); return err },
		"poll": func(ctx context.Context, p provider.Provider) error {
			_, err := p.Poll(ctx, []provider.Run{{ID: "a"}, {ID: "b"}})
			return err
		},
		"poll one": func(ctx context.Context, p provider.Provider) error {
			_, err := p.Poll(ctx, []provider.Run{{ID: "a"}})
			return err
		},
		"find": func(ctx context.Context, p provider.Provider) error {
			_, err := p.Find(ctx, []provider.Attempt{{Request: testRequest}}, nil, nobodys)
			return err
		},
		"fetch": func(ctx context.Context, p provider.Provider) error {
			_, _, err := p.Fetch(ctx, provider.Image{Asset: "asset_1"})
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refusals := []int{http.StatusTooManyRequests, http.StatusTooManyRequests, http.StatusUnauthorized}
			sent := 0
			client := clientOf(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.Body != nil {
					if n, _ := r.Body.Read(make([]byte, 1)); n == 0 {
						t.Error("a request that is made again has no body")
					}
				}
				sent++
				return response(refusals[sent-1], `{"reason": "no"}`), nil
			}))
			rate := new(countedRate)
			err := call(t.Context(), client.Limited(rate))
			if _, refused := errors.AsType[*job.AccessError](err); !refused || sent != 3 || rate.waits != 3 || len(rate.refused) != 3 {
				t.Errorf("error %v after %d requests, %d of them counted, %d told as refused", err, sent, rate.waits, len(rate.refused))
			}
			full := &countedRate{full: errors.New("stopping")}
			if err := call(t.Context(), client.Limited(full)); !errors.Is(err, full.full) || sent != 3 {
				t.Errorf("without a place: error %v after %d requests", err, sent-3)
			}
		})
	}
	t.Run("submit", func(t *testing.T) {
		t.Parallel()
		rate := &countedRate{full: errors.New("stopping")}
		client := clientOf(t, roundTrip(func(*http.Request) (*http.Response, error) {
			return response(http.StatusOK, `{"job": {"jobId": "a", "authorId": "apiu_1"}}`), nil
		}))
		if _, err := client.Limited(rate).Submit(t.Context(), time.Time{}, testRequest); err != nil || rate.waits != 0 {
			t.Errorf("error %v, %d requests counted", err, rate.waits)
		}
		if authors := client.ProviderKeyIDs(); len(authors) != 1 || authors[0] != "apiu_1" {
			t.Errorf("the key is known as %q", authors)
		}
	})
}

// nobodys says that no run is ours.
func nobodys(context.Context, []string) (map[string]bool, error) { return nil, nil }
