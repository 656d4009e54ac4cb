package bucket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"nightshift/internal/job"
)

// Metadata says whose image an object is. It is kept beside the object, so that a
// bucket tells by itself what was already paid for.
type Metadata struct {
	Batch     string `json:"batch"`
	Job       job.ID `json:"job"`
	Row       string `json:"row,omitempty"` // the manifest's id of the row
	Model     string `json:"model,omitempty"`
	Seed      string `json:"seed,omitempty"`
	Inference string `json:"inference,omitempty"` // the provider's id of the run
	Asset     string `json:"asset,omitempty"`     // the provider's id of the image
	Index     int    `json:"index"`               // place among the job's images, from 0
}

// sameImage reports whether both speak of the same image of the same job.
func (m Metadata) sameImage(other Metadata) bool {
	return m.Job == other.Job && m.Asset == other.Asset && m.Index == other.Index
}

// record is the file beside an image.
type record struct {
	Metadata Metadata  `json:"metadata"`
	Image    job.Image `json:"image"`
}

// maxRecord bounds what is read of a record; it has a handful of short fields.
const maxRecord = 1 << 20

// readRecord returns the record of an image. One that cannot be understood counts
// as missing: the image is then stored again, and its record with it.
func (b *Local) readRecord(ctx context.Context, key string) (record, bool, error) {
	data, err := b.readSmall(ctx, recordKey(key))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, fmt.Errorf("read its record: %w", err)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, false, nil //nolint:nilerr // counts as missing, see above
	}
	return r, true, nil
}

func (b *Local) readSmall(ctx context.Context, key string) ([]byte, error) {
	if key == "" {
		return nil, fs.ErrNotExist
	}
	file, _, err := b.open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxRecord))
}

func (r record) encode() []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		panic(fmt.Sprintf("bucket: a record of plain fields did not encode: %v", err))
	}
	return text.Bytes()
}
