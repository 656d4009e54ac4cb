package report_test

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"nightshift/internal/batch/batchtest"
)

// shard is a data file of a sheet, read strictly.
type shard struct {
	stamp   string
	number  int
	entries []shardEntry
}

// shardEntry has every field of an entry; others are refused.
type shardEntry struct {
	Job, Row, State, Model, Prompt, Seed string
	Parameters, Variables                [][2]string
	Outputs                              []string
	Images                               []shardImage
	Inference                            string
	Attempts                             int
	Quoted, Billed, Refunded             json.Number
	Seconds                              float64
	Recorded, Kind, Reason, Hint         string
}

type shardImage struct {
	Name, Address, Thumb string
	Width, Height        int
	Bytes                int64
	Format, Warning      string
}

var shardCall = regexp.MustCompile(`(?s)\AnightshiftShard\("([0-9a-f]{16})",([0-9]+),(\[.*\])\)\n\z`)

func readShard(t testing.TB, bucket *batchtest.Folder, batch string, number int) shard {
	t.Helper()
	text := bucket.Text(t, fmt.Sprintf("%s/_nightshift/sheet/data-%04d.js", batch, number))
	parts := shardCall.FindStringSubmatch(text)
	if parts == nil {
		t.Fatalf("data file %d is not one call: %.200s", number, text)
	}
	if strings.ContainsAny(text, "<>&\u2028\u2029") {
		t.Errorf("data file %d has characters raw that must be escaped", number)
	}
	read := shard{stamp: parts[1]}
	if _, err := fmt.Sscan(parts[2], &read.number); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(parts[3]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read.entries); err != nil {
		t.Fatal(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("more than one value in data file %d", number)
	}
	return read
}

var columnCall = regexp.MustCompile(`\AnightshiftColumn\("([0-9a-f]{16})","([a-z0-9-]+)",(.*)\)\n\z`)

// readColumn reads a column of the batch night strictly.
func readColumn[T any](t testing.TB, bucket *batchtest.Folder, name string) T {
	t.Helper()
	text := bucket.Text(t, "night/_nightshift/sheet/column-"+name+".js")
	parts := columnCall.FindStringSubmatch(text)
	if parts == nil || parts[2] != name || parts[1] != pageOf(t, bucket).Stamp {
		t.Fatalf("column %s is not one call with its name and the stamp of the page: %.200s", name, text)
	}
	var values T
	if err := json.Unmarshal([]byte(parts[3]), &values); err != nil {
		t.Fatal(err)
	}
	return values
}
