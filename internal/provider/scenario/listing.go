package scenario

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"nightshift/internal/job"
)

const (
	// maxPages bounds one listing, should the API's list never end.
	maxPages = 500
	// emptyPages is how many pages without a row but with a token are followed.
	emptyPages = 5
	// listingAge is how old a listing may be that a search goes on with.
	listingAge = 2 * time.Second
	// searchAge is how long after a search another one is expected.
	searchAge = time.Minute
)

// listing is a reading of the list of inferences, newest first, as far as somebody
// wanted it.
type listing struct {
	asked time.Time       // it shows what was there at this time at the least
	kept  []job.Inference // of the pages that were read, if they are kept
	keeps bool
	token string
	came  map[string]bool // tokens that led to pages
	pages int
	empty int       // pages without a row
	last  time.Time // when the last inference was made that it came to; zero if that cannot be told
	// newest is when the newest of the last page was made: a single time may be wrong.
	newest time.Time
	ended  bool
}

// back is what tells how far back a listing has come.
type back func(l *listing) time.Time

// byLast believes the last row; byPage only that all of a page are as old. What a poll does
// not see it reads singly, and a search would take it for absent.
func byLast(l *listing) time.Time { return l.last }
func byPage(l *listing) time.Time { return l.newest }

// scan calls see with what the listing has, then with each further page, until see
// reports that it is satisfied or the list is older than the horizon. It reports
// whether it came that far.
func (c *Client) scan(ctx context.Context, l *listing, horizon time.Time, at back, see func([]job.Inference) (bool, error)) (complete bool, err error) {
	page := l.kept
	for {
		if l.pages > 0 {
			satisfied, err := see(page)
			if err != nil || satisfied || l.ended || !at(l).IsZero() && at(l).Before(horizon) {
				return err == nil, err
			}
		}
		switch {
		case l.pages == maxPages:
			return false, fmt.Errorf("list inferences: the list did not end after %d pages", maxPages)
		case l.empty > emptyPages:
			return false, nil // it may go on behind them; nothing can be said to be absent
		}
		if page, err = c.next(ctx, l); err != nil {
			return false, err
		}
	}
}

var errCircle = errors.New("list inferences: its pages lead round in a circle, to one that was read before")

// next reads the next page of a listing.
func (c *Client) next(ctx context.Context, l *listing) ([]job.Inference, error) {
	page, next, err := c.Inferences(ctx, l.token, MaxPage)
	if err != nil {
		return nil, err
	}
	if next != "" && l.came[next] {
		return nil, errCircle
	}
	if l.came == nil {
		l.came = make(map[string]bool)
	}
	l.came[next] = true
	l.pages++
	l.token, l.ended = next, next == ""
	if len(page) == 0 {
		l.empty++
	} else {
		l.last, l.newest = page[len(page)-1].CreatedAt, time.Time{}
		for i := range page {
			if page[i].CreatedAt.After(l.newest) {
				l.newest = page[i].CreatedAt
			}
		}
	}
	if l.keeps {
		l.kept = append(l.kept, page...)
	}
	return page, nil
}

// listings keeps the last listing for a search that comes right after it, so that
// watching and searching cost no more requests than one of them.
type listings struct {
	mu       sync.Mutex
	last     *listing
	searched time.Time            // when the last search was
	single   map[string]time.Time // when inferences were read singly that no list showed
	there    map[string]bool      // inferences that were there when they were read singly
	absent   map[string]time.Time // and those that were not, and when
}

func newListings() *listings {
	return &listings{single: make(map[string]time.Time), there: make(map[string]bool), absent: make(map[string]time.Time)}
}

// maxThere bounds what is remembered of single reads, and absentFor is how long it is
// believed that an inference is not there.
const (
	maxThere  = 10_000
	absentFor = time.Minute
)

// note remembers whether an inference is there by itself.
func (l *listings) note(id string, there bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.there)+len(l.absent) >= maxThere {
		clear(l.there)
		clear(l.absent)
	}
	if there {
		l.there[id] = true
		return
	}
	l.absent[id] = time.Now()
}

// wasThere reports whether an inference was there when it was read singly.
func (l *listings) wasThere(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.there[id]
}

// wasAbsent reports whether an inference was not there a moment ago.
func (l *listings) wasAbsent(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, noted := l.absent[id]
	return noted && time.Since(at) < absentFor
}

// begin begins a listing. Its pages are kept only while searches go on.
func (l *listings) begin() *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &listing{asked: time.Now(), keeps: time.Since(l.searched) < searchAge}
}

// leave leaves a listing to the next search.
func (l *listings) leave(list *listing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if list.keeps {
		l.last = list
	}
}

// search is the listing for a search: one that was just read, or a new one.
func (l *listings) search() *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.last
	l.last, l.searched = nil, time.Now()
	if list == nil || time.Since(list.asked) > listingAge {
		return &listing{asked: time.Now()}
	}
	return list
}

// due reports whether an inference is to be read singly now, and if so notes it.
func (l *listings) due(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other, at := range l.single {
		if time.Since(at) >= singleTick {
			delete(l.single, other)
		}
	}
	if _, lately := l.single[id]; lately {
		return false
	}
	l.single[id] = time.Now()
	return true
}
