package queue

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

var moment = time.UnixMilli(1_700_000_000_123)

// fill gives everything in v a value that is not zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("a, \"b\"")
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(moment))
			return
		}
		for _, field := range v.Fields() {
			fill(t, field)
		}
	default:
		t.Fatalf("a %s is new here: say how to fill it", v.Type())
	}
}

// notFields are those of a change that say how a record is changed, and the assets, which
// are kept with the job.
var notFields = []string{"From", "To", "Forget", "Disown", "Assets"}

// written are the fields of a change that a record has, too.
func written() []string {
	var names []string
	for field := range reflect.TypeFor[job.Change]().Fields() {
		if !slices.Contains(notFields, field.Name) {
			names = append(names, field.Name)
		}
	}
	return names
}

// full is a change that sets every field.
func full(t *testing.T) job.Change {
	c := job.Change{From: from(job.Queued), To: job.Storing}
	for _, name := range written() {
		fill(t, reflect.ValueOf(&c).Elem().FieldByName(name))
	}
	return c
}

// compare says where the record differs from the change in the named fields.
func compare(t *testing.T, rec *job.Record, c job.Change, names []string) {
	t.Helper()
	for _, name := range names {
		got, want := reflect.ValueOf(*rec).FieldByName(name), reflect.ValueOf(c).FieldByName(name)
		if !got.IsValid() {
			t.Errorf("a record has no field %s", name)
			continue
		}
		if diff := cmp.Diff(want.Interface(), got.Interface()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestARecordKeepsEveryField(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		c := full(t)
		change(t, store, claim(t, store), c)
		rec := claim(t, store)
		compare(t, rec, c, written())
		if diff := cmp.Diff(*potion(ref.ID, 3), rec.Job); diff != "" {
			t.Errorf("job (-want +got):\n%s", diff)
		}
		if age := time.Since(rec.Since); age < -time.Minute || age > time.Minute {
			t.Errorf("since %s is not now", rec.Since)
		}
		for field, value := range reflect.ValueOf(*rec).Fields() {
			if value.IsZero() {
				t.Errorf("nothing was read for %s", field.Name)
			}
		}
		records, err := store.Records(t.Context(), []job.Ref{ref})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]*job.Record{rec}, records); diff != "" {
			t.Errorf("read with others (-want +got):\n%s", diff)
		}
	})
}

// TestAssetsAreKeptWithTheJob holds what is sent in place of pictures, of the last attempt.
func TestAssetsAreKeptWithTheJob(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		for _, asset := range []string{"asset_1", "asset_2"} {
			want := map[string]string{"sha256:" + asset: asset}
			change(t, store, claim(t, store), job.Change{From: from(job.Queued), To: job.Queued, Assets: want})
			if diff := cmp.Diff(want, claim(t, store).Job.Assets); diff != "" {
				t.Errorf("assets (-want +got):\n%s", diff)
			}
		}
	})
}

// TestAChangeWritesOneField sets each field alone: none may need another, and no
// other may lose its value.
func TestAChangeWritesOneField(t *testing.T) {
	t.Parallel()
	_, client := redistest.Emulator(t)
	for _, name := range written() {
		if name == "Started" {
			continue // it is of the inference
		}
		store := poolQueue(t, client, name)
		add(t, store, ref, 3)
		before := claim(t, store)
		c := job.Change{From: from(job.Queued), To: job.Queued, Started: moment}
		fill(t, reflect.ValueOf(&c).Elem().FieldByName(name))
		change(t, store, before, c)
		after := claim(t, store)
		compare(t, after, c, []string{name})
		reflect.ValueOf(before).Elem().FieldByName(name).Set(reflect.ValueOf(c).FieldByName(name))
		if name == "Inference" {
			before.Started = moment
		}
		before.Fence = after.Fence
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("record after a change of %s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnotherAttemptForgetsTheLast(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, client redis.UniversalClient) {
		store := setup(t, client)
		rec := claim(t, store)
		c := full(t)
		change(t, store, rec, c)
		change(t, store, rec, job.Change{From: from(job.Storing), To: job.Queued, Forget: true, Attempt: 8})
		got := claim(t, store)
		want := &job.Record{
			Ref: ref, Job: *potion(ref.ID, 3), Priority: job.Normal, State: job.Queued, Fence: got.Fence, Owner: "one", Since: got.Since,
			Attempt: 8, Generation: c.Generation, APIKey: c.APIKey, Avoid: c.Avoid,
			EarlierBilled: c.EarlierBilled, EarlierRefunded: c.EarlierRefunded,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}
