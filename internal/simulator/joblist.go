package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// listJobs answers GET /jobs. Scenario API: newest first, pages of 10 unless
// asked, at most 200. Filters run after a page is cut, so a page can be short or
// empty and yet carry a token; the token marks the last row that was looked at.
func (s *Simulator) listJobs(w http.ResponseWriter, r *http.Request, key *Key) {
	if s.fault(FaultListError) != nil {
		serverError().write(w)
		return
	}
	filter, refused := readJobFilter(r.URL.Query())
	if refused != nil {
		refused.write(w)
		return
	}
	runs := s.book.ofTenant(key)
	if filter.after != "" {
		last := s.book.find(filter.after, key)
		if last == nil {
			reason(http.StatusBadRequest, "Invalid pagination token").write(w)
			return
		}
		runs = runs[:last.number]
	}
	now := time.Now()
	cut := max(0, len(runs)-filter.size)
	rows := []jobRecord{}
	for i := len(runs) - 1; i >= cut; i-- {
		if filter.wants(runs[i], now) {
			rows = append(rows, runs[i].record(now, true, s.options.LongPrompt))
		}
	}
	reply := map[string]any{"jobs": rows}
	if len(runs) >= filter.size {
		// As with a database that counts rows: a page that was filled carries a
		// token even if nothing comes after it.
		reply["nextPaginationToken"] = placeOf(runs[cut]).encode()
	}
	writeJSON(w, http.StatusOK, reply)
}

// jobFilter is what a list of jobs is asked for.
type jobFilter struct {
	size   int
	after  string // the last job of the page before
	author string
	status string
	types  []string
}

// readJobFilter reads the query. Scenario API: types is a comma list and wins over
// type. The words of refusals are the simulator's own.
func readJobFilter(query url.Values) (jobFilter, *refusal) {
	size, refused := pageSize(query, 10, 200)
	if refused != nil {
		return jobFilter{}, refused
	}
	f := jobFilter{size: size, author: query.Get("authorId"), status: query.Get("status")}
	if f.status != "" && !isStatus(f.status) {
		return f, reason(http.StatusBadRequest, "status must be one of %s", strings.Join(statuses(), ", "))
	}
	if kinds := query.Get("types"); kinds != "" {
		f.types = strings.Split(kinds, ",")
	} else if kind := query.Get("type"); kind != "" {
		f.types = []string{kind}
	}
	if text := query.Get("paginationToken"); text != "" {
		var token placeToken
		if err := decodeToken(text, &token); err != nil || token.JobID.S == "" {
			return f, reason(http.StatusBadRequest, "Invalid pagination token")
		}
		f.after = token.JobID.S
	}
	return f, nil
}

func isStatus(text string) bool { return slices.Contains(statuses(), text) }

func (f *jobFilter) wants(r *run, now time.Time) bool {
	return !r.listed.After(now) &&
		(f.author == "" || f.author == r.key.ID) &&
		(f.status == "" || f.status == r.status(now)) &&
		(len(f.types) == 0 || slices.Contains(f.types, jobType))
}
