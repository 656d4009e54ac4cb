package pool

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

func lacking(action job.Action, scope string) *job.ScopeError {
	return &job.ScopeError{Action: action, Scope: scope, Refusal: &job.AccessError{Access: job.AccessScope, Detail: "Forbidden"}}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	key := func(id, project string, missing ...*job.ScopeError) KeyCheck {
		return KeyCheck{ID: id, Pool: "p", Origin: batch.KeyOrigin{API: "api", Project: project}, Missing: missing}
	}
	assets, runs, run := lacking(job.ReadAssets, "assets.read"), lacking(job.ReadRuns, "models.read"), lacking(job.RunModels, "models.run")
	for name, test := range map[string]struct {
		keys []KeyCheck
		errs []string // of each key, "" for none
		warn []string
	}{
		"all is well":     {[]KeyCheck{key("a", "x")}, []string{""}, []string{""}},
		"alone":           {[]KeyCheck{key("a", "x", assets)}, []string{"may not read assets: the scope assets.read is missing (Forbidden)"}, []string{""}},
		"another reads":   {[]KeyCheck{key("a", "x", assets), key("b", "x")}, []string{"", ""}, []string{"key b does", ""}},
		"crosswise":       {[]KeyCheck{key("a", "x", assets), key("b", "x", runs)}, []string{"", ""}, []string{"key b does", "key a does"}},
		"another project": {[]KeyCheck{key("a", "x", assets), key("b", "y")}, []string{"assets.read", ""}, []string{"", ""}},
		"both lack it":    {[]KeyCheck{key("a", "x", runs), key("b", "x", runs)}, []string{"models.read", "models.read"}, []string{"", ""}},
		"another runs":    {[]KeyCheck{key("a", "x", run), key("b", "y")}, []string{"", ""}, []string{"may not run models", ""}},
		"nobody runs":     {[]KeyCheck{key("a", "x", run), key("b", "y", run)}, []string{"models.run", "models.run"}, []string{"", ""}},
	} {
		for i, v := range Judge(test.keys) {
			got := ""
			if v.Err != nil {
				got = v.Err.Error()
			}
			if (test.errs[i] == "") != (got == "") || !strings.Contains(got, test.errs[i]) || got != "" && job.Hint(v.Err) == "" {
				t.Errorf("%s: key %d: %q, want %q and a hint", name, i, got, test.errs[i])
			}
			if warned := strings.Join(v.Warnings, " "); (warned == "") != (test.warn[i] == "") || !strings.Contains(warned, test.warn[i]) {
				t.Errorf("%s: key %d warns %q, want %q", name, i, warned, test.warn[i])
			}
		}
	}
	refused := key("b", "x")
	refused.Err = &job.AccessError{Access: job.AccessKey}
	if v := Judge([]KeyCheck{key("a", "x", assets), refused}); v[0].Err == nil {
		t.Error("a key that is refused altogether is taken to read")
	}
}

// account is an API key that may or may not read assets.
type account struct {
	provider.Account
	err     error
	fetches int
}

func (a *account) Limited(provider.Requests) provider.Provider { return a }

func (a *account) Fetch(context.Context, provider.Image) (io.ReadCloser, int64, error) {
	a.fetches++
	if a.err != nil {
		return nil, 0, a.err
	}
	return io.NopCloser(strings.NewReader("image")), 5, nil
}

// What a key may not read, another of its project reads; while none can, none is to pay.
func TestKeysReadForEachOther(t *testing.T) {
	t.Parallel()
	accounts := map[string]*account{"a": {}, "b": {}, "c": {}}
	var keys []config.APIKey
	for id, project := range map[string]string{"a": "x", "b": "x", "c": "y"} {
		keys = append(keys, config.APIKey{ID: id, Project: project, URL: "https://api.test", Key: config.Secret(id)})
	}
	slices.SortFunc(keys, func(a, b config.APIKey) int { return strings.Compare(a.ID, b.ID) })
	ring, err := NewKeyring(func(key config.APIKey) (provider.Account, error) { return accounts[key.ID], nil }, &config.Keys{}, keys)
	if err != nil {
		t.Fatal(err)
	}
	fetch := func() error {
		p, err := ring.Provider("a", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = p.Fetch(t.Context(), provider.Image{})
		return err
	}
	accounts["a"].err = lacking(job.ReadAssets, "assets.read")
	for range 2 {
		if err := fetch(); err != nil {
			t.Errorf("key b may read and did not: %v", err)
		}
	}
	if accounts["a"].fetches != 1 || accounts["b"].fetches != 2 || accounts["c"].fetches != 0 {
		t.Errorf("a was asked %d times, b %d, c %d; want 1, 2 and none", accounts["a"].fetches, accounts["b"].fetches, accounts["c"].fetches)
	}
	if unread := ring.Unread("a"); unread != nil {
		t.Errorf("what key a pays for is taken to be unread: %v", unread)
	}
	accounts["b"].err = accounts["a"].err
	if err := fetch(); err == nil || ring.Unread("a") == nil || ring.Unread("b") == nil || ring.Unread("c") != nil {
		t.Errorf("no key may read: %v, unread of a is %v, of c %v", err, ring.Unread("a"), ring.Unread("c"))
	}
	accounts["a"].err = nil // a person gives the scope
	if err := fetch(); err != nil || ring.Unread("a") != nil || ring.Unread("b") != nil {
		t.Errorf("key a may read again: %v, unread is %v", err, ring.Unread("a"))
	}
}
