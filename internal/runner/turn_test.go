package runner

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"nightshift/internal/job"
)

// Twelve handlers of a large batch wait, then two of a small one: these take turns
// with the others in place of standing behind them.
func TestTurnsAreFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns, stopping := newFairQueue(), make(chan struct{})
		if err := turns.enter(t.Context(), "large", 0, stopping); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		var handlers sync.WaitGroup
		for _, batch := range slices.Concat(slices.Repeat([]string{"large"}, 12), []string{"small", "small"}) {
			handlers.Go(func() {
				if err := turns.enter(t.Context(), batch, 0, stopping); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, batch)
				mu.Unlock()
				turns.served(batch)
				turns.leave()
			})
			synctest.Wait()
		}
		turns.served("large")
		turns.leave()
		handlers.Wait()
		if want := []string{"small", "large", "small", "large"}; len(order) != 14 || !slices.Equal(order[:4], want) {
			t.Errorf("turns were taken by %v, want %v first", order, want)
		}
	})
}

// A handler that gives up while it waits, or just as its turn comes, holds up nobody.
func TestTurnsArePassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns, stopping := newFairQueue(), make(chan struct{})
		if err := turns.enter(t.Context(), "batch", 0, stopping); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		gaveUp := make(chan error, 1)
		go func() { gaveUp <- turns.enter(ctx, "batch", 0, stopping) }()
		synctest.Wait()
		cause := errors.New("no more")
		cancel(cause)
		if err := <-gaveUp; !errors.Is(err, cause) {
			t.Errorf("enter = %v, want the cause", err)
		}
		entered := make(chan error, 1)
		go func() { entered <- turns.enter(t.Context(), "batch", 0, stopping) }()
		synctest.Wait()
		turns.leave()
		if err := <-entered; err != nil {
			t.Fatal(err)
		}
		go func() { gaveUp <- turns.enter(t.Context(), "other", 0, stopping) }()
		synctest.Wait()
		close(stopping)
		if err := <-gaveUp; !errors.Is(err, job.ErrInterrupted) {
			t.Errorf("enter = %v, want interrupted", err)
		}
	})
}
