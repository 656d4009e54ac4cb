package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/provider"
	"nightshift/internal/text"
)

// reconcileDays is how far back what was spent is held against the provider's
// account.
const reconcileDays = 31

// dayAccount is what one API key spent on one day, by our logs and by the
// provider. Amounts are in CU, after refunds.
type dayAccount struct {
	Day   time.Time `json:"day"` // in UTC
	Key   string    `json:"key"`
	Spent job.CU    `json:"spent"` // by our logs
	// Provider is what its account says, and Difference that less Spent; nil where the
	// account could not be read.
	Provider   *job.CU `json:"provider,omitempty"`
	Difference *job.CU `json:"difference,omitempty"`
}

// settle works out the difference. A day of which a whole account says nothing cost nothing.
func (d *dayAccount) settle() {
	if d.Provider == nil {
		d.Provider = new(job.CU)
	}
	difference := *d.Provider - d.Spent
	d.Difference = &difference
}

// reconciliation is the comparison for all keys. It asserts nothing: the provider's
// account lags, and other programs may use the same keys.
type reconciliation struct {
	Days []dayAccount `json:"days"`
	// Newest is the latest entry of the provider's account, by key.
	Newest map[string]time.Time `json:"newest"`
	Notes  []string             `json:"notes"`
}

func (c *keysCommand) reconcile(ctx context.Context, out io.Writer, asJSON bool) error {
	r := reconciliation{Days: []dayAccount{}, Newest: make(map[string]time.Time), Notes: []string{}}
	until := time.Now()
	since := until.UTC().Truncate(24*time.Hour).AddDate(0, 0, -reconcileDays)
	authors, err := c.providerKeyIDs(ctx)
	if err != nil {
		return err
	}
	days := make(map[string]*dayAccount)
	if err := c.addSpent(ctx, since, days); err != nil {
		return err
	}
	c.addProvider(ctx, since, until, authors, days, &r)
	for _, day := range days {
		if _, asked := r.Newest[day.Key]; asked {
			day.settle()
		}
		r.Days = append(r.Days, *day)
	}
	slices.SortFunc(r.Days, func(a, b dayAccount) int {
		if order := a.Day.Compare(b.Day); order != 0 {
			return order
		}
		return strings.Compare(a.Key, b.Key)
	})
	if asJSON {
		return text.WriteIndentedJSON(out, r)
	}
	return r.write(out, until)
}

// providerKeyIDs are the provider's ids of keys, by our ids, as batches have seen them.
func (c *keysCommand) providerKeyIDs(ctx context.Context) (map[string][]string, error) {
	batches, err := batch.BatchesOf(ctx, c.bucket)
	if err != nil {
		return nil, err
	}
	authors := make(map[string][]string)
	for _, id := range batches {
		state, err := batch.ReadState(ctx, c.bucket, id)
		if err != nil {
			return nil, err
		}
		if state == nil {
			continue
		}
		for id, w := range state.Keys {
			authors[id] = append(authors[id], w.ProviderKeyIDs...)
		}
	}
	return authors, nil
}

func dayOf(days map[string]*dayAccount, day time.Time, key string) *dayAccount {
	name := day.Format(time.DateOnly) + " " + key
	if days[name] == nil {
		days[name] = &dayAccount{Day: day, Key: key}
	}
	return days[name]
}

func (c *keysCommand) addSpent(ctx context.Context, since time.Time, days map[string]*dayAccount) error {
	all, err := batch.SpendingIn(ctx, c.bucket)
	if err != nil {
		return err
	}
	for _, s := range all {
		if !s.Quarter.Before(since) {
			dayOf(days, s.Quarter.UTC().Truncate(24*time.Hour), s.APIKey).Spent += s.CU
		}
	}
	return nil
}

// addProvider asks the provider with each key. A key that may not ask is noted, and
// the others are asked all the same.
func (c *keysCommand) addProvider(ctx context.Context, since, until time.Time, authors map[string][]string, days map[string]*dayAccount, r *reconciliation) {
	for _, key := range c.ring.Usable(nil) {
		if strings.Contains(key.URL, "//"+batch.SimulatorHost+"/") {
			r.Notes = append(r.Notes, "the built-in simulator keeps no account beyond its process")
			continue
		}
		if len(authors[key.ID]) == 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s: no batch in this folder has run on it, so its id at the provider is not known", key.ID))
			continue
		}
		account, can := key.Account.(app.Accountant)
		if !can {
			r.Notes = append(r.Notes, key.ID+": its provider keeps no account that can be read")
			continue
		}
		usages, err := account.Usages(ctx, since, until)
		if err != nil {
			r.Notes = append(r.Notes, unreadWords(key.ID, err))
			continue
		}
		r.Newest[key.ID] = usages.Newest
		addUsages(usages, key.ID, authors[key.ID], days)
	}
}

func addUsages(usages provider.Usages, key string, authors []string, days map[string]*dayAccount) {
	for _, day := range usages.Days {
		if slices.Contains(authors, day.Author) {
			of := dayOf(days, day.Day, key)
			if of.Provider == nil {
				of.Provider = new(job.CU)
			}
			*of.Provider += day.Charged - day.Refunded
		}
	}
}

func (r reconciliation) write(out io.Writer, now time.Time) error {
	if len(r.Days) > 0 {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "DAY (UTC)\tKEY\tSPENT\tPROVIDER\tDIFFERENCE\tACCOUNT UP TO")
		for _, d := range r.Days {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", d.Day.Format(time.DateOnly), d.Key, d.Spent, known(d.Provider, job.CU.String), known(d.Difference, signed), r.age(d.Key, now))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintln(out, "note: "+note)
	}
	_, err := fmt.Fprintln(out, "\nThe provider's account lags behind its runs and holds what other programs spent with the same key;\na difference that does not go away with time is worth a question.")
	return err
}

// known is an amount, or says that nobody knows it.
func known(amount *job.CU, words func(job.CU) string) string {
	if amount == nil {
		return "not known"
	}
	return words(*amount)
}

// age says how fresh the provider's account of a key is.
func (r reconciliation) age(key string, now time.Time) string {
	newest, asked := r.Newest[key]
	switch {
	case !asked:
		return "not asked"
	case newest.IsZero():
		return "empty"
	default:
		return now.Sub(newest).Round(time.Second).String() + " ago"
	}
}

func signed(cu job.CU) string {
	if cu > 0 {
		return "+" + cu.String()
	}
	return cu.String()
}

// unreadWords say why the account of a key was not read, and what a person can do.
func unreadWords(key string, err error) string {
	note := fmt.Sprintf("%s: the provider's account is not known: %v", key, err)
	if access, refused := errors.AsType[*job.AccessError](err); refused && access.Access == job.AccessScope {
		return note + "; give the key the scope to read usages"
	}
	if hint := job.Hint(err); hint != "" {
		return note + "; " + hint
	}
	return note
}
